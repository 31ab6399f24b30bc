"""The outgoing HTTP client that refuses to be tricked: tells webhooks of events."""
