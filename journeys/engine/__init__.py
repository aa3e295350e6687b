"""The fold of one shard: bytes and records in, bytes and effects out."""
