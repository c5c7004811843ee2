-- End a job as REVOKED, or as FAILURE because its time is over, in one step, whatever its size, and with it the jobs that
-- are its open parts.
-- KEYS: slotline:job:<id>
-- also, of this job and of each job under it: :parts, :states, :outcomes, :attempts, :sent, :sizes,
-- celery-task-meta-<id>, the list of the job's own message; slotline:ring:<list> (_ring.lua), slotline:open,
-- slotline:failed, slotline:delayed (looked at only), slotline:hasten
-- ARGV: id, ms to keep, the time as Celery writes it, 1 to cancel an id that is not recorded too: a message of that id
--       is dropped when it is taken; the error as JSON: then only what has a timeout_s that is over ends, as FAILURE
--       with this error ('': it is cancelled). Also slotline:timeouts
-- Returns {`cancelled` | `ended` | `unknown`, parent job or '', parent part or '', id, id, …}; ids: the jobs ended here
-- Guarantee: from here on no part of them is handed out, settled or sent, and no PROGRESS is written. Messages of their
-- parts stay where they are and are dropped when taken. An open job's own message is sent once more, so that a flow
-- worker ends the task for Celery (chord, event); the message of a job that is not open yet does the same. Where
-- messages are delayed, the sweeper is asked to let those of cancelled tasks be due now (`hasten` in delayed.py).
local ttl, date = ARGV[2], ARGV[3]
local error = ARGV[5] or ''
local outcome = error == '' and 'REVOKED' or 'FAILURE'
local ended = {}
local left = {} -- list that the jobs ended here had parts in -> its model

local function write_revoked(job)
  local value = '{"status":"REVOKED","result":{"exc_type":"TaskRevokedError","exc_message":["cancelled"],' ..
    '"exc_module":"celery.exceptions"},"traceback":null,"children":[],"date_done":' .. cjson.encode(date) ..
    ',"task_id":' .. cjson.encode(job) .. '}'
  redis.call('SET', 'celery-task-meta-' .. job, value, 'PX', ttl)
  redis.pcall('PUBLISH', 'celery-task-meta-' .. job, value)
end

local function mark_ended(job)
  redis.call('HSET', key_of(job), 'state', 'ended', 'outcome', outcome, 'result', '', 'error', error,
    'ended_ms', now_ms())
  redis.call('PEXPIRE', key_of(job), ttl)
  if outcome == 'REVOKED' then write_revoked(job) end
  ended[#ended + 1] = job
end

-- A failed part of a cancelled job is not offered for another try.
local function forget_failure(job, part)
  redis.call('ZREM', 'slotline:failed', job .. '.' .. part)
  local below = redis.call('GET', key_of(job .. '.' .. part, 'states')) or ''
  for at in string.gmatch(below, '()f') do
    redis.call('ZREM', 'slotline:failed', job .. '.' .. part .. '.' .. at)
  end
end

local function cancel(job, parent)
  local state = redis.call('HGET', key_of(job), 'state')
  if not state or state == 'ended' then return end
  -- A sender may have chosen an id like that of a part; such a job is no part of this one, and goes on.
  if parent and redis.call('HGET', key_of(job), 'parent_job') ~= parent then return end
  local states, record, sent = redis.call('GET', key_of(job, 'states')) or '', fields(job, COUNTERS), {}
  for part, mark in string.gmatch(states, '()([qf])') do
    if mark == 'q' then
      cancel(job .. '.' .. part, job)
      sent[#sent + 1] = part
    else
      forget_failure(job, part)
    end
  end
  if record.model and record.part_list then
    leave_ring(job, record, sent)
    left[record.part_list] = record.model
  end
  if state == 'open' then send_finish(job) end
  mark_ended(job)
  redis.call('HDEL', key_of(job), 'finish_head', 'finish_tail')
  redis.call('UNLINK', key_of(job, 'parts'), key_of(job, 'states'), key_of(job, 'attempts'), key_of(job, 'sent'),
    key_of(job, 'sizes'))
  redis.call('PEXPIRE', key_of(job, 'outcomes'), ttl)
  redis.call('ZREM', 'slotline:open', job)
end

-- Whether the time of what is not begun, or not ready, is over; what is being finished may end. Looked at once.
local function is_over(job, state)
  local until_ms = redis.call('HGET', state and key_of(job) or key_of(job, 'attempts'), 'until_ms')
  if state == 'finishing' and until_ms then
    redis.call('ZADD', 'slotline:timeouts', 'XX', now_ms() + 1000, job)
    return false
  end
  redis.call('ZREM', 'slotline:timeouts', job)
  local is_begun = not state and redis.call('HGET', key_of(job, 'attempts'), '0')
  return until_ms and tonumber(until_ms) <= now_ms() and not is_begun
end

local job = ARGV[1]
local record = fields(job, {'state', 'parent_job', 'parent_part'})
if error ~= '' and not is_over(job, record.state) then return {'ended', '', ''} end
if record.state then
  cancel(job)
elseif ARGV[4] == '1' then
  local stored = redis.call('GET', 'celery-task-meta-' .. job) or ''
  local status = string.match(stored, '^{"status": ?"(%u+)"')
  if status == 'SUCCESS' or status == 'FAILURE' or status == 'REVOKED' then return {'ended', '', ''} end
  mark_ended(job)
else
  return {'unknown', '', ''}
end
for list, model in pairs(left) do serve_ring(list, model) end
if #ended > 0 and redis.call('EXISTS', DELAYED) == 1 then redis.call('HINCRBY', 'slotline:hasten', 'asked', 1) end
return {#ended > 0 and 'cancelled' or 'ended', record.parent_job or '', record.parent_part or '', unpack(ended)}
