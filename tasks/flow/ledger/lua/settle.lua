-- Settle one part: mark it, write PROGRESS, and send what comes next, in one step.
-- KEYS: slotline:job:<id>, slotline:job:<id>:states, slotline:job:<id>:outcomes, slotline:job:<id>:attempts
-- also: slotline:job:<id>:sent, slotline:delayed, slotline:failed (zset: `<id>.<part>` -> when it failed for good, ms)
-- ARGV: id, part, verdict (done | failed | again), outcome as JSON, parts computed, attempts allowed, this run's
--       attempt (0: not counted); where what it made is measured also the measure's name, the amount, and its unit
-- Returns `done`, `failed`, `again`, or `late` when the job is not open, the part has ended already, or a later run of
-- it has begun: a worker that was frozen and has lost its lease settles nothing.
-- Guarantee: idempotent; any order and any repetition ends in the same state, and no gap lies between
-- «settled» and «sent»: the next part's message, or after the last part the job's own, goes out here.
local job, part, verdict = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local record = fields(job, COUNTERS)
if record.state ~= 'open' then return 'late' end
local mark = redis.call('GETRANGE', KEYS[2], part - 1, part - 1)
if mark ~= 'q' and mark ~= '.' then return 'late' end
local begun = tonumber(redis.call('HGET', KEYS[4], part) or 0)
local attempt = tonumber(ARGV[7])
if attempt > 0 and attempt < begun then return 'late' end
if verdict == 'again' then
  -- A run that failed before it was counted is counted here; else it could be repeated for ever.
  if attempt == 0 then
    begun = redis.call('HINCRBY', KEYS[4], part, 1)
    redis.call('HSET', KEYS[4], part .. '@', now_ms())
  end
  if begun < tonumber(ARGV[6]) then
    send_later(record.part_list, part_message(job, record, part), now_ms() + pause_ms(record.retry_ms, begun))
    return 'again'
  end
  verdict = 'failed'
end
redis.call('SETRANGE', KEYS[2], part - 1, verdict == 'done' and 'd' or 'f')
redis.call('HSET', KEYS[3], part, ARGV[4])
redis.call('HDEL', key_of(job, 'sent'), part)
if verdict == 'failed' then redis.call('ZADD', 'slotline:failed', now_ms(), job .. '.' .. part) end
redis.call('HINCRBY', KEYS[1], verdict, 1)
redis.call('HINCRBY', KEYS[1], 'computed', ARGV[5])
if ARGV[8] then
  -- A job that was opened by an older version does not name its measure yet.
  redis.call('HSET', KEYS[1], 'measure', ARGV[8], 'unit', ARGV[10])
  redis.call('HINCRBYFLOAT', KEYS[1], ARGV[8], ARGV[9])
end
if mark == 'q' then redis.call('HINCRBY', KEYS[1], 'sent', -1) end
record = fields(job, COUNTERS)
refill(job, record)
write_progress(job)
if is_complete(record) then
  redis.call('HSET', KEYS[1], 'state', 'finishing', 'finishing_ms', now_ms())
  send_finish(job)
end
return verdict
