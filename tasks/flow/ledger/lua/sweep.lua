-- Look after one open job: a message of it that is lost is sent again.
-- KEYS: slotline:job:<id>, slotline:job:<id>:sent, slotline:held, slotline:delayed, slotline:open
-- ARGV: id, how many messages of a queue to look through at most
-- Returns what was sent again: parts, `start` or `end`. A job that has ended or is unknown is taken off the list.
-- A message is not lost when a worker holds it, when it is delayed, when it is among the next messages of its queue, or
-- when the queue is longer than is looked through: then a later pass can say. Nothing is sent twice: what is held,
-- delayed and queued changes only in scripts like this one.
local job, look = ARGV[1], tonumber(ARGV[2])
local record = fields(job, COUNTERS)
if not record.state or record.state == 'ended' then
  redis.call('ZREM', KEYS[5], job)
  return {}
end
redis.call('ZADD', KEYS[5], 'XX', now_ms(), job)

local function is_somewhere(list, message, tag)
  if redis.call('HEXISTS', KEYS[3], tag) == 1 then return true end
  if redis.call('ZSCORE', KEYS[4], list .. '\n' .. message) then return true end
  if redis.call('LPOS', list, message, 'RANK', -1, 'MAXLEN', look) then return true end
  return redis.call('LLEN', list) > look
end

local function tag_of(message)
  return cjson.decode(message).properties.delivery_tag
end

-- A part that is a job of its own goes on after its message is done.
local function lives_as_job(part)
  local state = redis.call('HGET', key_of(job .. '.' .. part), 'state')
  return state == 'open' or state == 'finishing'
end

local again = {}
if record.state == 'sent' then
  local list, message = redis.call('HGET', KEYS[1], 'sent_list'), redis.call('HGET', KEYS[2], 'start')
  if list and message and not is_somewhere(list, message, tag_of(message)) then
    redis.call('LPUSH', list, message)
    again[1] = 'start'
  end
elseif record.state == 'finishing' then
  local finish = fields(job, {'finish_head', 'finish_tail', 'finish_list'})
  local tag = redis.call('HGET', KEYS[2], 'end')
  -- Without a tag the job was complete when it was opened: the message that opened it is still held, and finishes it.
  if tag and not is_somewhere(finish.finish_list, finish.finish_head .. tag .. finish.finish_tail, tag) then
    send_finish(job)
    again[1] = 'end'
  end
else
  local sent = redis.call('HGETALL', KEYS[2])
  for i = 1, #sent, 2 do
    local part, message = tonumber(sent[i]), sent[i + 1]
    if part and not lives_as_job(part) and not is_somewhere(record.part_list, message, tag_of(message)) then
      redis.call('RPUSH', record.part_list, part_message(job, record, part))
      again[#again + 1] = tostring(part)
    end
  end
end
return again
