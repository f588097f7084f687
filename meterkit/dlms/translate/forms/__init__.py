"""Forms: how each part of a message is written in JSON and in XML, and read again; one file a service."""
