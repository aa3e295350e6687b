-- Moves identity from what a batch read to what it decided; refuses where it was moved meanwhile.
-- Keys after the named ones: of each change, then of each identifier to repoint, then of each seen.
-- A linked identifier's record is its owner (22 characters), when asserted, when seen last (11
-- hexadecimal digits each, which compare as text), and the rest.
local valid, outbox = unpack(KEYS, 1, 2)
local gate, changes, repoints, touches, notes, by = unpack(ARGV)
changes, repoints = cmsgpack.unpack(changes), cmsgpack.unpack(repoints)
touches, notes = cmsgpack.unpack(touches), cmsgpack.unpack(notes)
local before_touches = #KEYS - #touches
local before_repoints = before_touches - #repoints
local before_changes = before_repoints - #changes

local function later(one, other)
  return one > other and one or other
end

if (redis.call('GET', valid) or '') ~= gate then
  return redis.error_reply('CONFLICT identity was lost or repaired meanwhile')
end
for i, change in ipairs(changes) do
  if (redis.call('GET', KEYS[before_changes + i]) or '') ~= change[1] then
    return redis.error_reply('CONFLICT ' .. KEYS[before_changes + i] .. ' has changed')
  end
end
local seen = {}
for i, touch in ipairs(touches) do
  local held = redis.call('GET', KEYS[before_touches + i]) or ''
  if string.sub(held, 1, 22) ~= string.sub(touch, 1, 22) then
    return redis.error_reply('CONFLICT ' .. KEYS[before_touches + i] .. ' has another owner')
  end
  seen[i] = string.sub(held, 1, 22)
    .. '|' .. later(string.sub(held, 24, 34), string.sub(touch, 24, 34))
    .. '|' .. later(string.sub(held, 36, 46), string.sub(touch, 36, 46))
    .. string.sub(held, 47)
end

for i, touch in ipairs(seen) do
  redis.call('SET', KEYS[before_touches + i], touch)
end
for i, change in ipairs(changes) do
  redis.call('SET', KEYS[before_changes + i], change[2])
  if change[3] > 0 then
    redis.call('PEXPIRE', KEYS[before_changes + i], change[3])
  end
end
for i, repoint in ipairs(repoints) do
  local loser, survivor = repoint[1], repoint[2]
  local key = KEYS[before_repoints + i]
  local record = redis.call('GET', key)
  if record and string.sub(record, 1, #loser) == loser then
    redis.call('SET', key, survivor .. string.sub(record, #loser + 1))
  end
end
local numbers = {}
for i, note in ipairs(notes) do
  numbers[i] = redis.call('XADD', outbox, '*', 'note', note, 'by', by)
end
return numbers
