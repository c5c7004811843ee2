-- Send the own message of a job that failed as a whole again: it goes on where it stopped, with as many runs as a new one.
-- KEYS: slotline:job:<id>, and its :parts, :states, :outcomes, :attempts
-- also: its :sent, :sizes, slotline:open, slotline:failed, celery-task-meta-<id>, the list of its own message
-- ARGV: id
-- Returns 1, or 0 when the job has not failed, or its message is not known.
local job = ARGV[1]
local record = fields(job, {'state', 'outcome', 'finish_head', 'finish_tail', 'finish_list', 'opened_ms'})
if record.state ~= 'ended' or record.outcome ~= 'FAILURE' or not record.finish_head then return 0 end
for _, key in ipairs(KEYS) do redis.call('PERSIST', key) end
redis.call('PERSIST', key_of(job, 'sizes'))
redis.call('HDEL', KEYS[1], 'outcome', 'result', 'error', 'ended_ms', 'until_ms')
forget_steps(KEYS[5])
redis.call('HDEL', KEYS[5], 'start~', 'end~')
redis.call('ZREM', 'slotline:failed', job .. '.0')
redis.call('ZADD', 'slotline:open', now_ms(), job)
if record.opened_ms then
  redis.call('HSET', KEYS[1], 'state', 'finishing', 'finishing_ms', now_ms())
  send_finish(job)
  write_progress(job)
  return 1
end
local message = record.finish_head .. new_tag(job, 'start') .. record.finish_tail
redis.call('HSET', KEYS[1], 'state', 'sent', 'sent_list', record.finish_list)
redis.call('HSET', key_of(job, 'sent'), 'start', message)
redis.call('DEL', 'celery-task-meta-' .. job)
redis.call('LPUSH', record.finish_list, message)
return 1
