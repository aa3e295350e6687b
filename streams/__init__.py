"""The hands: Kafka, Redis and the two agents that obey the mind."""
