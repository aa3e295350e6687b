-- Notes the moment at which identity is whole. Says nothing and does nothing where it is not:
-- a beat after a fall-back would hide from the repair what was lost.
local valid, beat = unpack(KEYS, 1, 2)
local now = unpack(ARGV, 1, 1)

if redis.call('GET', valid) == string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') then
  redis.call('SET', beat, now)
end
