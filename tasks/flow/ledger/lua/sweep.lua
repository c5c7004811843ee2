-- Look after one open job: a message of it that is lost is sent again.
-- KEYS: slotline:job:<id>, slotline:job:<id>:sent, slotline:held, slotline:delayed, slotline:open,
--       slotline:job:<id>:attempts; also its :states and :outcomes, slotline:ring:<list> (_ring.lua)
-- ARGV: id, how many messages of a queue to look through at most, how often a message is sent again before a run begins,
--       ms of the first pause
-- Returns what was sent again: parts, `start` or `end`; with a `!` behind it what was lost too often, and is not sent
-- again. A job that has ended or is unknown is taken off the list.
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
if record.state == 'open' then look_after_ring(job, record) end

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

-- Whether a lost message is sent again now: at once, then after a pause that grows, and not for ever. How often is kept
-- until a run begins (begin.lua, claim.lua).
local function may_send(name)
  local count, at = string.match(redis.call('HGET', KEYS[6], name .. '~') or '0 0', '^(%d+) (%d+)$')
  count, at = tonumber(count), tonumber(at)
  if count > 0 and now_ms() < at + tonumber(ARGV[4]) * 2 ^ (count - 1) then return false end
  if count >= tonumber(ARGV[3]) then return false, true end
  redis.call('HSET', KEYS[6], name .. '~', (count + 1) .. ' ' .. now_ms())
  return true
end

local function has_ended(part)
  local mark = redis.call('GETRANGE', key_of(job, 'states'), part - 1, part - 1)
  return mark == 'd' or mark == 'f'
end

-- A settle that Redis refused halfway, for a right that its user lacked, has marked a part and done nothing after it.
-- With no part under way: what has no outcome has not ended, the parts are counted anew, and what goes next is sent.
-- Returns whether that is the job's own task.
local function goes_on()
  local states = redis.call('GET', key_of(job, 'states')) or ''
  if states == '' or string.find(states, 'q', 1, true) then return false end
  for part = 1, #states do
    if has_ended(part) and redis.call('HEXISTS', key_of(job, 'outcomes'), part) == 0 then
      redis.call('SETRANGE', key_of(job, 'states'), part - 1, '.')
    end
  end
  states = redis.call('GET', key_of(job, 'states'))
  local counts = {}
  for name, mark in pairs({done = 'd', failed = 'f', skipped = 's'}) do
    counts[name] = select(2, string.gsub(states, mark, mark))
  end
  redis.call('HSET', KEYS[1], 'done', counts.done, 'failed', counts.failed, 'skipped', counts.skipped, 'sent', 0,
    'next', 1)
  record = fields(job, COUNTERS)
  refill(job, record)
  if not is_complete(record) then return false end
  redis.call('HSET', KEYS[1], 'state', 'finishing', 'finishing_ms', now_ms())
  send_finish(job)
  return true
end

local again = {}

local function send_again(name, send)
  local may, is_used_up = may_send(name)
  if may then send() end
  if may or is_used_up then again[#again + 1] = name .. (is_used_up and '!' or '') end
end

if record.state == 'sent' then
  local list, message = redis.call('HGET', KEYS[1], 'sent_list'), redis.call('HGET', KEYS[2], 'start')
  if list and message and not is_somewhere(list, message, tag_of(message)) then
    send_again('start', function() redis.call('LPUSH', list, message) end)
  end
elseif record.state == 'finishing' then
  local finish = fields(job, {'finish_head', 'finish_tail', 'finish_list'})
  local tag = redis.call('HGET', KEYS[2], 'end')
  -- Without a tag the job was complete when it was opened: the message that opened it is still held, and finishes it.
  if tag and not is_somewhere(finish.finish_list, finish.finish_head .. tag .. finish.finish_tail, tag) then
    send_again('end', function() send_finish(job) end)
  end
else
  local sent, is_any_sent = redis.call('HGETALL', KEYS[2]), false
  for i = 1, #sent, 2 do
    local part, message = tonumber(sent[i]), sent[i + 1]
    if part and has_ended(part) then
      redis.call('HDEL', KEYS[2], part)
      part = nil
    end
    is_any_sent = is_any_sent or part ~= nil
    if part and not lives_as_job(part) and not is_somewhere(record.part_list, message, tag_of(message)) then
      send_again(tostring(part), function() redis.call('RPUSH', record.part_list, part_message(job, record, part)) end)
    end
  end
  if not is_any_sent and goes_on() then again[#again + 1] = 'end' end
end
return again
