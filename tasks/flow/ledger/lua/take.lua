-- Give what a run of one part needs; changes nothing, but for part 0 keeps which request the id belongs to, and from when
-- on it is over.
-- KEYS: slotline:job:<id>, slotline:job:<id>:parts, slotline:job:<id>:states, slotline:job:<id>:attempts;
--       for part 0 also slotline:timeouts
-- ARGV: part (0: a task that is part of no job); for part 0 also id, digest of its request, ms to keep that, its
--       timeout_s ('': none), which counts from now if the sender has not noted when it was sent
-- Returns {payload, params, runs begun before, runs lost before they were claimed}, or {} when the job or the part has
-- ended, or is unknown, or the time of the job is over (then the sweep ends it). For part 0 the first two are empty, {}
-- means that it was cancelled, {'another'} that the id belongs to another request, and {'over'} that its time is over.
local part = ARGV[1]
local runs, early, until_ms = unpack(redis.call('HMGET', KEYS[4], part, part .. '^', 'until_ms'))
runs, early = runs or '0', early or '0'
if part == '0' then
  if is_anothers(ARGV[2], ARGV[3], ARGV[4]) then return {'another'} end
  if redis.call('HGET', KEYS[1], 'outcome') == 'REVOKED' then return {} end
  if ARGV[5] ~= '' and not until_ms then
    until_ms = set_timeout(KEYS[4], ARGV[2], ARGV[5], now_ms())
    redis.call('PEXPIRE', KEYS[4], ARGV[4])
  end
  if until_ms and now_ms() > tonumber(until_ms) then return {'over'} end
  return {'', '{}', runs, early}
end
local state, params, over_ms = unpack(redis.call('HMGET', KEYS[1], 'state', 'params', 'until_ms'))
if state ~= 'open' or (over_ms and now_ms() > tonumber(over_ms)) then return {} end
local mark = redis.call('GETRANGE', KEYS[3], part - 1, part - 1)
if mark ~= 'q' and mark ~= '.' then return {} end
return {redis.call('LINDEX', KEYS[2], part - 1), params, runs, early}
