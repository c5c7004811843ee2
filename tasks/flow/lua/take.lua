-- Hand out what a run of one part needs; changes nothing.
-- KEYS: slotline:job:<id>, slotline:job:<id>:parts, slotline:job:<id>:states
-- ARGV: part
-- Returns {payload, params}, or {} when the job or the part has ended, or is unknown.
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return {} end
local mark = redis.call('GETRANGE', KEYS[3], ARGV[1] - 1, ARGV[1] - 1)
if mark ~= 'q' and mark ~= '.' then return {} end
return {redis.call('LINDEX', KEYS[2], ARGV[1] - 1), redis.call('HGET', KEYS[1], 'params')}
