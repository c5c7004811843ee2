-- Put parts of a job back to waiting and send them: their artifact is gone, or a person asks for another try.
-- KEYS: slotline:job:<id>, and its :parts, :states, :outcomes, :attempts
-- also: its :sizes, all keys of parts that are jobs and have ended, slotline:jobs, slotline:open, slotline:failed, slotline:ring:<list> (_ring.lua)
-- ARGV: id, 1 to send the parts | 0 to mark them as sent (they are jobs, which are reopened themselves),
--       part, part, …
-- A part that is a job and has ended is forgotten before it is sent: else it would only answer again what it has made.
-- Returns how many were put back; 0 leaves the job as it was. Parts that wait or are sent stay as they are.
-- After a person asked, the job's own task gets as many runs as a new one; when artifacts are gone while it finishes, the
-- count goes on: a store that loses what is written must not have it computed for ever.
local job, send, back, first = ARGV[1], ARGV[2] == '1', 0, math.huge
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end

local function forget_job(part)
  local below = job .. '.' .. part
  local own = fields(below, {'state', 'parent_job', 'parent_part'})
  if own.state ~= 'ended' or own.parent_job ~= job or tonumber(own.parent_part) ~= part then return end
  redis.call('DEL', key_of(below), 'celery-task-meta-' .. below)
  for _, room in ipairs({'parts', 'states', 'outcomes', 'attempts', 'sent', 'sizes'}) do
    redis.call('DEL', key_of(below, room))
  end
  redis.call('ZREM', 'slotline:failed', below .. '.0')
  redis.call('ZREM', 'slotline:jobs', below)
end

for i = 3, #ARGV do
  local part = tonumber(ARGV[i])
  local mark = redis.call('GETRANGE', KEYS[3], part - 1, part - 1)
  if mark == 'd' or mark == 'f' then
    redis.call('SETRANGE', KEYS[3], part - 1, send and '.' or 'q')
    if send then forget_job(part) else redis.call('HINCRBY', KEYS[1], 'sent', 1) end
    redis.call('HINCRBY', KEYS[1], mark == 'd' and 'done' or 'failed', -1)
    redis.call('HDEL', KEYS[4], part)
    redis.call('HDEL', KEYS[5], part, part .. '@', part .. '!', part .. '?', part .. '~', part .. '^', part .. '^!')
    redis.call('ZREM', 'slotline:failed', job .. '.' .. part)
    back, first = back + 1, math.min(first, part)
  end
end
if back == 0 then return 0 end
for _, key in ipairs(KEYS) do redis.call('PERSIST', key) end
redis.call('PERSIST', key_of(job, 'sizes'))
if redis.call('HGET', KEYS[1], 'state') == 'ended' then
  forget_steps(KEYS[5])
  redis.call('HDEL', KEYS[1], 'until_ms') -- who tries it again does not ask for it within a time
end
redis.call('ZREM', 'slotline:failed', job .. '.0')
redis.call('HDEL', KEYS[1], 'outcome', 'result', 'error', 'ended_ms')
redis.call('HSET', KEYS[1], 'state', 'open')
redis.call('ZADD', 'slotline:open', now_ms(), job)
local record = fields(job, COUNTERS)
record.next = math.min(first, tonumber(record.next))
redis.call('HSET', KEYS[1], 'next', record.next)
refill(job, record)
write_progress(job)
return back
