-- Give what a run of one part needs; changes nothing, but for part 0 keeps which request the id belongs to.
-- KEYS: slotline:job:<id>, slotline:job:<id>:parts, slotline:job:<id>:states, slotline:job:<id>:attempts
-- ARGV: part (0: a task that is part of no job); for part 0 also id, digest of its request, ms to keep that
-- Returns {payload, params, runs begun before, runs lost before they were claimed}, or {} when the job or the part has
-- ended, or is unknown; for part 0 the first two are empty, {} means that it was cancelled, and {'another'} that the id
-- belongs to another request.
local runs = redis.call('HGET', KEYS[4], ARGV[1]) or '0'
local early = redis.call('HGET', KEYS[4], ARGV[1] .. '^') or '0'
if ARGV[1] == '0' then
  if is_anothers(ARGV[2], ARGV[3], ARGV[4]) then return {'another'} end
  if redis.call('HGET', KEYS[1], 'outcome') == 'REVOKED' then return {} end
  return {'', '{}', runs, early}
end
if redis.call('HGET', KEYS[1], 'state') ~= 'open' then return {} end
local mark = redis.call('GETRANGE', KEYS[3], ARGV[1] - 1, ARGV[1] - 1)
if mark ~= 'q' and mark ~= '.' then return {} end
return {redis.call('LINDEX', KEYS[2], ARGV[1] - 1), redis.call('HGET', KEYS[1], 'params'), runs, early}
