-- Takes requests of a quota, by the generic cell rate algorithm. KEYS[1] has the time at which the quota is whole again, in microseconds
-- of Redis' clock. It returns how many requests were taken, and when the first of them has its turn, in microseconds from now: below 0
-- when it might have been sent before.
local every, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local firsts, ahead, more = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local whole = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local turn = whole - now - (burst - 1) * every
local function room(later) return math.max(0, math.floor((later - turn) / every) + 1) end

local taken = math.min(firsts, room(ahead))
taken = taken + math.max(0, math.min(more, room(0) - taken))
if taken > 0 then
  whole = whole + taken * every
  redis.call('SET', KEYS[1], string.format('%.3f', whole), 'PX', math.ceil((whole - now) / 1000))
end
return {taken, math.floor(turn)}
