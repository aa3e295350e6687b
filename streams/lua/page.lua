-- The next `count` members of a due index behind (score, member), each with its score.
-- Members of one score stand in the order of their bytes; Lua would compare them by locale.
local due = unpack(KEYS)
local score, member, count = unpack(ARGV)

local function is_behind(found)
  for at = 1, math.min(#found, #member) do
    local one, other = string.byte(found, at), string.byte(member, at)
    if one ~= other then
      return one > other
    end
  end
  return #found > #member
end

local low = redis.call('ZCOUNT', due, '-inf', '(' .. score)
local high = low + redis.call('ZCOUNT', due, score, score)
while low < high do
  local middle = math.floor((low + high) / 2)
  if is_behind(redis.call('ZRANGE', due, middle, middle)[1]) then
    high = middle
  else
    low = middle + 1
  end
end
return redis.call('ZRANGE', due, low, low + count - 1, 'WITHSCORES')
