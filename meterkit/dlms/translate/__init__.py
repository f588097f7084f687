"""Any frame, application PDU or value of DLMS/COSEM as a tree that a person can read.

    print(meterkit.tree.text(translate(bytes.fromhex("c401c1000600001391"))))

Names are the standard's, results come in words, OBIS codes and times are explained where they are known;
what makes no sense is shown as such, and nothing raises.  `documents` writes the same as JSON and as XML, and
reads both back to the very same octets.
"""

from meterkit.dlms.translate.apdu import apdu_node
from meterkit.dlms.translate.capture import translate, translate_hdlc
from meterkit.dlms.translate.data import data_node
from meterkit.dlms.translate.words import class_name, object_name

__all__ = ["apdu_node", "class_name", "data_node", "object_name", "translate", "translate_hdlc"]
