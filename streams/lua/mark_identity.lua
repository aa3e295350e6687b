-- Marks identity (`gate`: as valid, as under repair) and refuses on any but the given server run.
local valid = unpack(KEYS, 1, 1)
local run, expected, gate = unpack(ARGV)

if string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') ~= run then
  return redis.error_reply('INVALID the server was started again')
end
local found = redis.call('GET', valid) or ''
if found ~= expected and found ~= gate then
  return redis.error_reply('INVALID identity was lost meanwhile')
end

redis.call('SET', valid, gate)
