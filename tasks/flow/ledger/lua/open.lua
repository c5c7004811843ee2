-- Open a job: its record, its parts, and the first messages, in one step.
-- KEYS: slotline:job:<id>, slotline:jobs, slotline:job:<id>:parts, slotline:job:<id>:states, slotline:job:<id>:outcomes
-- also: slotline:open, slotline:job:<id>:attempts, slotline:job:<id>:sent, slotline:job:<id>:sizes,
-- slotline:ring:<list> (_ring.lua)
-- ARGV: id, record as JSON (flat, strings), states, outcomes of skipped parts as JSON {part: text}, sizes of the parts
--       ('': those stay that the producer has told), payload, payload, …
-- Returns the number of parts to compute, or -1 when the job is open, finishing or ended already, or is part of a job
-- that is not open (any more).
-- Guarantee: a second opening changes nothing. With nothing to compute the job is `finishing` and no message is sent:
-- the caller, whose own message is not acknowledged yet, goes on.
local job = ARGV[1]
local state = redis.call('HGET', KEYS[1], 'state')
if state and state ~= 'sent' then return -1 end
local record = cjson.decode(ARGV[2])
if record.parent_job ~= '' and redis.call('HGET', key_of(record.parent_job), 'state') ~= 'open' then return -1 end
local now = now_ms()
record.top = job
if record.parent_job ~= '' then record.top = redis.call('HGET', key_of(record.parent_job), 'top') or record.parent_job end
-- A part of another job ends with that one. The time of a job counts from its submission, if that is known.
if record.parent_job ~= '' then
  record.until_ms = redis.call('HGET', key_of(record.parent_job), 'until_ms') or nil
elseif record.timeout_s and redis.call('HEXISTS', KEYS[1], 'until_ms') == 0 then
  set_timeout(KEYS[1], job, record.timeout_s, now)
end
for name, value in pairs(record) do redis.call('HSET', KEYS[1], name, value) end
local total = #ARGV - 5
redis.call('DEL', KEYS[3], KEYS[4], KEYS[5], key_of(job, 'attempts'), key_of(job, 'sent'))
redis.call('ZADD', 'slotline:open', now, job)
for first = 6, #ARGV, 500 do
  redis.call('RPUSH', KEYS[3], unpack(ARGV, first, math.min(first + 499, #ARGV)))
end
redis.call('SET', KEYS[4], ARGV[3])
if ARGV[5] ~= '' then redis.call('SET', key_of(job, 'sizes'), ARGV[5]) end
local skipped = 0
for part, text in pairs(cjson.decode(ARGV[4])) do
  redis.call('HSET', KEYS[5], part, text)
  skipped = skipped + 1
end
redis.call('HSET', KEYS[1], 'state', 'open', 'total', total, 'skipped', skipped, 'done', 0, 'failed', 0,
  'computed', 0, 'sent', 0, 'next', 1, 'opened_ms', now, 'opened_total', total)
redis.call('HSETNX', KEYS[1], 'submitted_ms', now)
redis.call('ZADD', KEYS[2], 'NX', exact_ms(), job)
if skipped == total then
  redis.call('HSET', KEYS[1], 'state', 'finishing')
  return 0
end
refill(job, fields(job, COUNTERS))
write_progress(job)
return total - skipped
