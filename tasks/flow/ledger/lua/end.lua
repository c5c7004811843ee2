-- End a job: from here on nothing about it changes, and its record gets a time to live.
-- KEYS: slotline:job:<id>, and its :parts, :states, :outcomes, :attempts; also slotline:open, its :sent and :sizes,
-- slotline:failed (zset: `<id>.0` -> when a job failed as a whole, ms), slotline:pace:flow:<kind> (how long it took)
-- ARGV: final state (SUCCESS | FAILURE | REVOKED), result as JSON or '', error as JSON or '', ms to keep, id,
--       slotline:jobs, fields of the record as JSON (flat, strings), each set if the record lacks it; for a job that
--       failed as a whole and may be tried again also: its own message's head, tail and list, and 1 to list it (0: it is
--       a part of another job, and listed there)
-- Returns 1, or 0 when the job had ended already, or was opened again: a run that was frozen since then ends nothing.
-- A job that failed keeps its parts, so that they can be tried again, or its own message, so that it can be as a whole.
local state = redis.call('HGET', KEYS[1], 'state')
if state == 'ended' or state == 'open' then return 0 end
local now = now_ms()
redis.call('HSET', KEYS[1], 'state', 'ended', 'outcome', ARGV[1], 'result', ARGV[2], 'error', ARGV[3], 'ended_ms', now)
for name, value in pairs(cjson.decode(ARGV[7])) do redis.call('HSETNX', KEYS[1], name, value) end
redis.call('HSETNX', KEYS[1], 'submitted_ms', now)
redis.call('ZREM', 'slotline:open', ARGV[5])
redis.call('DEL', key_of(ARGV[5], 'sent'))
redis.call('ZADD', ARGV[6], 'NX', exact_ms(), ARGV[5])
if ARGV[1] == 'SUCCESS' then
  local about = fields(ARGV[5], {'kind', 'finishing_ms', 'opened_total', 'total'})
  if about.finishing_ms then note_pace('flow:' .. about.kind, 1, tonumber(about.total), now - about.finishing_ms, now) end
  if tonumber(about.opened_total or 1) > 1 then note_growth(about.kind, about.opened_total, about.total) end
  redis.call('DEL', KEYS[2], KEYS[5], key_of(ARGV[5], 'sizes'))
  redis.call('HDEL', KEYS[1], 'finish_head', 'finish_tail')
end
if ARGV[8] then
  redis.call('HSET', KEYS[1], 'finish_head', ARGV[8], 'finish_tail', ARGV[9], 'finish_list', ARGV[10])
  if ARGV[11] == '1' then redis.call('ZADD', 'slotline:failed', now, ARGV[5] .. '.0') end
end
for _, key in ipairs(KEYS) do redis.call('PEXPIRE', key, ARGV[4]) end
redis.call('PEXPIRE', key_of(ARGV[5], 'sizes'), ARGV[4])
return 1
