"""What several tests share: real servers and stand-ins with the behaviour of the real thing."""
