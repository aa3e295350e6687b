-- Moves identity from what a batch read to what it decided; refuses where it was moved meanwhile.
-- Keys after the named ones: of each change, then of each identifier to repoint.
local valid, outbox = unpack(KEYS, 1, 2)
local gate, changes, repoints, merges = unpack(ARGV)
changes, repoints = cmsgpack.unpack(changes), cmsgpack.unpack(repoints)
merges = cmsgpack.unpack(merges)
local before_repoints = #KEYS - #repoints
local before_changes = before_repoints - #changes

if (redis.call('GET', valid) or '') ~= gate then
  return redis.error_reply('CONFLICT identity was lost or repaired meanwhile')
end
for i, change in ipairs(changes) do
  if (redis.call('GET', KEYS[before_changes + i]) or '') ~= change[1] then
    return redis.error_reply('CONFLICT ' .. KEYS[before_changes + i] .. ' has changed')
  end
end

for i, change in ipairs(changes) do
  redis.call('SET', KEYS[before_changes + i], change[2])
end
for i, repoint in ipairs(repoints) do
  local loser, survivor = repoint[1], repoint[2]
  local key = KEYS[before_repoints + i]
  local record = redis.call('GET', key)
  if record and string.sub(record, 1, #loser) == loser then
    redis.call('SET', key, survivor .. string.sub(record, #loser + 1))
  end
end
for _, merge in ipairs(merges) do
  redis.call('XADD', outbox, '*', 'merge', merge)
end
return redis.call('XRANGE', outbox, '-', '+')
