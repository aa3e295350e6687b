-- Moves one shard's picture from offset `start` to `stop`, or changes nothing.
-- `writes` is a msgpack list of commands on keys of the same slot: the fold decided them,
-- this script only makes sure that they are made once and on the picture they belong to.
local meta = unpack(KEYS)
local topic, start, stop, facts, writes = unpack(ARGV)

local stored = redis.call('HMGET', meta, 'topic', 'offset')
if stored[1] and stored[1] ~= topic then
  return redis.error_reply('TOPIC expected ' .. topic .. ', found ' .. stored[1])
end
local offset = stored[2] or '0'
if offset ~= start then
  return redis.error_reply('STALE expected offset ' .. start .. ', found ' .. offset)
end

for _, command in ipairs(cmsgpack.unpack(writes)) do
  redis.call(unpack(command))
end
redis.call('HSET', meta, 'topic', topic, 'offset', stop, 'facts', facts)
return stop
