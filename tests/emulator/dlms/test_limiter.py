"""The emulated limiter opens the switch once too much was taken for too long."""

from datetime import timedelta

import pytest

from meterkit.codec import axdr
from meterkit.dlms.cosem.obis import ObisCode
from meterkit.emulator.dlms import DlmsEmulatorConfiguration, DlmsMeterEmulator
from meterkit.emulator.dlms.switches import CONNECTED, READY
from tests.dlms.rig import NOW


class Clock:
    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def emulator(clock):
    return DlmsMeterEmulator(DlmsEmulatorConfiguration(), clock=clock)


def attributes(emulator, class_id):
    (found,) = (one for one in emulator.device.objects if one.class_id == class_id)
    return found.attributes


def state(emulator):
    (control,) = (one for one in emulator.device.objects if one.obis == ObisCode.DISCONNECT_CONTROL)
    return control.attributes[3].read()[1]


def write(emulator, index, value):
    attributes(emulator, 71)[index].write(axdr.encode_double_long_unsigned(value))


def test_a_threshold_that_is_passed_for_long_enough_opens_the_switch(emulator, clock):
    write(emulator, 4, 1)
    clock.now += timedelta(seconds=29)
    assert state(emulator) == CONNECTED
    clock.now += timedelta(seconds=1)
    assert state(emulator) == READY


def test_a_household_below_the_threshold_is_left_alone(emulator, clock):
    clock.now += timedelta(days=1)
    assert state(emulator) == CONNECTED


def test_who_reconnects_has_the_whole_duration_again(emulator, clock):
    write(emulator, 4, 1)
    clock.now += timedelta(minutes=1)
    assert state(emulator) == READY
    emulator.device.duties.breaker.press_button()
    assert state(emulator) == CONNECTED
    clock.now += timedelta(seconds=20)
    assert state(emulator) == CONNECTED
    clock.now += timedelta(seconds=10)
    assert state(emulator) == READY


def test_another_duration_counts(emulator, clock):
    write(emulator, 6, 300)
    write(emulator, 4, 1)
    clock.now += timedelta(seconds=299)
    assert state(emulator) == CONNECTED
    clock.now += timedelta(seconds=1)
    assert state(emulator) == READY
