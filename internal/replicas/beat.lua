-- Notes that the replica ARGV[1] lives, and returns how many do: those that have said so in the last ARGV[2] seconds. A full Redis refuses
-- what adds, unless the script has written before: so that comes first.
local now, seconds = tonumber(redis.call('TIME')[1]), tonumber(ARGV[2])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - seconds)
redis.call('EXPIRE', KEYS[1], seconds)
return redis.call('ZCARD', KEYS[1])
