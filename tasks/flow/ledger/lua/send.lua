-- Send the message of a task without a job, and store that it waits: who has its id can follow and cancel it.
-- KEYS: the queue's list, celery-task-meta-<id>; also slotline:job:<id>:attempts, slotline:timeouts
-- ARGV: message, id, ms to keep, its timeout_s ('': none)
-- What is stored is PENDING, which Celery answers anyway for a task of which it knows nothing. A result that is there
-- already stays.
local value = '{"status":"PENDING","result":null,"traceback":null,"children":[],"date_done":null,"task_id":' ..
  cjson.encode(ARGV[2]) .. '}'
redis.call('SET', KEYS[2], value, 'NX', 'PX', ARGV[3])
if ARGV[4] ~= '' then
  set_timeout(key_of(ARGV[2], 'attempts'), ARGV[2], ARGV[4], now_ms())
  redis.call('PEXPIRE', key_of(ARGV[2], 'attempts'), ARGV[3])
end
redis.call('LPUSH', KEYS[1], ARGV[1])
return 1
