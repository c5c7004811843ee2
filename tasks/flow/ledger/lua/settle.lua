-- Settle parts of one job: mark them, write PROGRESS once, and send what comes next, in one step.
-- KEYS: slotline:job:<id>, slotline:job:<id>:states, slotline:job:<id>:outcomes, slotline:job:<id>:attempts
-- also: slotline:job:<id>:sent, slotline:ring:<list> (_ring.lua), slotline:delayed, slotline:failed (zset:
-- `<id>.<part>` -> when it failed for good, ms)
-- ARGV: id, attempts allowed, then eight for each part: its number, verdict (done | failed | again), outcome as JSON,
--       parts computed, this run's attempt (0: not counted), and what it made by the job's measure: the measure's name
--       ('': not measured), the amount, its unit
-- Returns for each part `done`, `failed`, `again`, or `late` when the job is not open, the part has ended already, or a
-- later run of it has begun: a worker that was frozen and has lost its lease settles nothing.
-- Guarantee: idempotent; any order and any repetition ends in the same state, and no gap lies between
-- «settled» and «sent»: the messages of the parts that are next in the ring, of this job or others, go out here, and
-- after the last part the job's own.
local job, allowed = ARGV[1], tonumber(ARGV[2])
local record = fields(job, COUNTERS)
local is_room_left = false
local counted, amounts, about = {done = 0, failed = 0, computed = 0, sent = 0}, {}, nil

local function settle(part, verdict, outcome, computed, attempt)
  local mark = redis.call('GETRANGE', KEYS[2], part - 1, part - 1)
  if record.state ~= 'open' or (mark ~= 'q' and mark ~= '.') then return 'late' end
  local begun = tonumber(redis.call('HGET', KEYS[4], part) or 0)
  if attempt > 0 and attempt < begun then return 'late' end
  if verdict == 'again' then
    -- A run that failed before it was counted is counted here; else it could be repeated for ever.
    if attempt == 0 then
      begun = redis.call('HINCRBY', KEYS[4], part, 1)
      redis.call('HSET', KEYS[4], part .. '@', now_ms())
    end
    if begun < allowed then
      send_later(record.part_list, part_message(job, record, part), now_ms() + pause_ms(record.retry_ms, begun))
      leave_room(job, record, part)
      is_room_left = true
      return 'again'
    end
    verdict = 'failed'
  end
  redis.call('SETRANGE', KEYS[2], part - 1, verdict == 'done' and 'd' or 'f')
  redis.call('HSET', KEYS[3], part, outcome)
  redis.call('HDEL', key_of(job, 'sent'), part)
  if verdict == 'failed' then redis.call('ZADD', 'slotline:failed', now_ms(), job .. '.' .. part) end
  counted[verdict], counted.computed = counted[verdict] + 1, counted.computed + computed
  if mark == 'q' then counted.sent = counted.sent - 1 end
  leave_room(job, record, part)
  return verdict, true
end

-- Redis writes the amounts; adding them up here first saves a command a part.
local function measured(name, amount, unit)
  if name == '' then return end
  amounts[name], about = (amounts[name] or 0) + amount, {name, unit}
end

local verdicts, is_any_settled = {}, false
for i = 3, #ARGV, 8 do
  local verdict, is_settled = settle(tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 2], tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4]))
  if is_settled then measured(ARGV[i + 5], tonumber(ARGV[i + 6]), ARGV[i + 7]) end
  verdicts[#verdicts + 1], is_any_settled = verdict, is_any_settled or is_settled
end
if not is_any_settled then
  if is_room_left then refill(job, record) end
  return verdicts
end

for name, count in pairs(counted) do record[name] = tonumber(record[name] or 0) + count end
redis.call('HSET', KEYS[1], 'done', record.done, 'failed', record.failed, 'computed', record.computed, 'sent', record.sent)
for name, amount in pairs(amounts) do
  amounts[name] = redis.call('HINCRBYFLOAT', KEYS[1], name, string.format('%.6f', amount))
end
-- A job that was opened by an older version does not name its measure yet.
if about and (record.measure ~= about[1] or record.unit ~= about[2]) then
  redis.call('HSET', KEYS[1], 'measure', about[1], 'unit', about[2])
  record.measure, record.unit = about[1], about[2]
end
refill(job, record)
write_progress(job, record, amounts[record.measure])
if is_complete(record) then
  send_finish(job) -- first: if Redis refuses it for a missing right, the job is open and the sweep makes up for it
  redis.call('HSET', KEYS[1], 'state', 'finishing', 'finishing_ms', now_ms())
end
return verdicts
