-- Head of every ledger script: clock, records and messages. Defines functions, touches nothing by itself.
--
-- Keys that the functions touch, all derived from a job's id (one Redis, no cluster):
--   slotline:job:<id>           hash    the record
--   slotline:job:<id>:parts     list    one payload a part
--   slotline:job:<id>:states    string  one character a part: . waiting, q sent, d done, f failed, s skipped
--   slotline:job:<id>:sizes     string  4 bytes a part, the highest first: how much there is to compute in it
--   slotline:job:<id>:sent      hash    part -> its message, while it is under way (`end`: the job's own)
--   slotline:job:<id>:attempts  hash    part -> runs begun, part@ -> when the last one began, ms, part! -> which
--                                       call began it or noted it as lost, part? -> what ended the last run that was
--                                       lost; the same for the job's own task, under `step:<state that it found the job
--                                       in>`; part~, start~, end~ -> how often its message was lost since a run began,
--                                       and when; part^ -> runs that were lost before they were claimed, part^! -> which
--                                       call noted the last of them
--   slotline:open               zset    job -> when the sweep last looked at it, ms
--   slotline:delayed            zset    `queue list \n message` -> when it is due, ms
--   slotline:capacity:<model>   zset    `worker|parts at once` -> end of lease, ms
--   celery-task-meta-<id>       string  Celery's result of the job: PROGRESS, only while the job is not ended
--   the queue lists named in the record (part_list, finish_list)

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- With its fraction: jobs that are submitted in one ms are listed in their order.
local function exact_ms()
  local t = redis.call('TIME')
  return string.format('%.3f', t[1] * 1000 + t[2] / 1000)
end

local function key_of(job, room)
  local key = 'slotline:job:' .. job
  if room then return key .. ':' .. room end
  return key
end

-- The named fields of the record as a table; a field that is not set is false.
local function fields(job, names)
  local values = redis.call('HMGET', key_of(job), unpack(names))
  local record = {}
  for i, name in ipairs(names) do record[name] = values[i] end
  return record
end

local COUNTERS = {'state', 'total', 'done', 'failed', 'skipped', 'computed', 'sent', 'next', 'width',
  'model', 'part_task', 'part_list', 'part_priority', 'part_queue', 'part_results', 'root', 'ttl_ms', 'retry_ms', 'variant',
  'top', 'parent_job', 'parent_part', 'seated', 'in_row', 'measure', 'unit'}

-- The beginning of a payload, for people who look at Flower: at most 48 bytes, whole characters, one line.
local function words_of(payload)
  local words = string.match(payload, '^.([^\n]*)') or ''
  if #words > 48 then
    words = string.gsub(string.sub(words, 1, 49), '[^\128-\191][\128-\191]*$', '') .. '…'
  end
  return words
end

-- An id as a short word without quotes, spaces or control characters: its other bytes as %XX, and of a long id the
-- beginning and a digest. Two ids are two words. The transport holds a message under its tag only if that is short
-- (`LONGEST_KEY` in workers/transport/lua/reserve.lua), and the sweep looks for it there.
local LONGEST_WORD = 120

local function as_word(id)
  local word = string.gsub(id, '[^%w._-]', function(char) return string.format('%%%02X', string.byte(char)) end)
  if #word <= LONGEST_WORD then return word end
  return string.sub(word, 1, LONGEST_WORD / 2) .. '-' .. redis.sha1hex(id)
end

-- A new delivery tag: a held message is found by it, so each message has one of its own. It stands inside JSON text
-- as it is (send_finish), so it is a word whatever the job's id is: the sender may have chosen that id.
local function new_tag(job, part)
  return as_word(job) .. '.' .. part .. ':' .. redis.call('HINCRBY', key_of(job), 'messages', 1)
end

-- Whether what a record says of its parts stands in a field of each part's payload, which it names: `*field`.
local function is_in_payload(named) return string.sub(named, 1, 1) == '*' end

-- The text in the field `named` (`*field`) of a payload; nil if there is none.
local function in_payload(named, payload)
  local ok, own = pcall(cjson.decode, string.match(payload, '\n(.*)$') or '')
  local found = ok and type(own) == 'table' and own[string.sub(named, 2)]
  return type(found) == 'string' and found ~= '' and found or nil
end

-- The registry's model that a part needs, as a word: the same for all parts of the job, or (`*field`) named in a field of
-- each part's payload. nil: the model is no registry, or the part does not name one.
local function variant_of(record, payload)
  local named = record.variant or ''
  if not is_in_payload(named) then return named ~= '' and named or nil end
  local variant = in_payload(named, payload)
  return variant and as_word(variant)
end

-- The task that a part is the message of: the same for all parts of the job, or (`*field`) named in its payload. A part
-- that names none gets `*field` as its task, which no worker knows: it fails, and the error shows it.
local function task_of(record, payload)
  return is_in_payload(record.part_task) and in_payload(record.part_task, payload) or record.part_task
end

-- A new message for one part. The ledger keeps it until the part is settled, so the sweep can see a loss.
local function part_message(job, record, part)
  local payload = redis.call('LINDEX', key_of(job, 'parts'), part - 1)
  local text, id = cjson.encode, cjson.encode(job .. '.' .. part)
  local kwargs = '{"job":' .. text(job) .. ',"part":' .. part .. ',"words":' .. text(words_of(payload)) .. '}'
  local variant = variant_of(record, payload)
  -- Written by hand: cjson takes twice as long for a table, and this is half of a settle.
  local message = '{"body":' .. text('[[],' .. kwargs .. ',{"callbacks":null,"errbacks":null,"chain":null,"chord":null}]') ..
    ',"content-type":"application/json","content-encoding":"utf-8","headers":{"lang":"py","task":' ..
    text(task_of(record, payload)) .. ',"id":' .. id .. ',"root_id":' .. text(record.root) .. ',"parent_id":' .. text(job) ..
    ',"retries":0,"ignore_result":' .. (record.part_results == '1' and 'false' or 'true') ..
    ',"origin":"slotline","argsrepr":"()","kwargsrepr":' .. text(kwargs) ..
    (variant and ',"slotline_variant":' .. text(variant) or '') ..
    '},"properties":{"delivery_tag":"' .. new_tag(job, part) .. '","correlation_id":' .. id ..
    ',"delivery_mode":2,"priority":' .. record.part_priority .. ',"delivery_info":{"exchange":"","routing_key":' ..
    text(record.part_queue) .. '}}}'
  redis.call('HSET', key_of(job, 'sent'), part, message)
  return message
end

-- Send a new message for one part, to the back of its queue.
local function send_part(job, record, part)
  redis.call('LPUSH', record.part_list, part_message(job, record, part))
end

-- Note from when on a job, or a task without a job, is over. `key`: its record; of a task without a job, its attempts.
local function set_timeout(key, id, timeout_s, now)
  local until_ms = now + math.ceil(timeout_s * 1000)
  redis.call('HSET', key, 'until_ms', until_ms, 'timeout_s', timeout_s)
  redis.call('ZADD', 'slotline:timeouts', until_ms, id)
  return until_ms
end

-- How long after the begin of its n-th run a part may run again, in ms: four times as long after each run.
local function pause_ms(base_ms, runs)
  return tonumber(base_ms) * 4 ^ (runs - 1)
end

-- Keep a message until it is due; it is sent then (delayed.lua).
local function send_later(list, message, due_ms)
  redis.call('ZADD', DELAYED, due_ms, list .. '\n' .. message)
end

-- Whether the run that was begun last is one of this message, and was not noted as lost. Each delivery of a message has
-- the same tag, so a run that was lost is marked; `mark` is the one of this call, which may be sent twice.
local function is_this_run(attempts, name, tag, mark)
  local begun_by, token = string.match(redis.call('HGET', attempts, name .. '!') or '', '^(.*)\n([^\n]*)$')
  return begun_by == tag and (string.sub(token, 1, 5) ~= 'lost:' or token == mark)
end

-- The runs of a job's own task are counted like those of a part: once for each state that a run finds the job in.
local STEPS = {'step:new', 'step:sent', 'step:finishing', 'step:ended'}

local function step_of(state) return 'step:' .. (state or 'new') end

-- Whether an id belongs to another request than this one: it belongs to the one that came first, as long as anything is
-- known of it. A job's record has its request; that of a task without a record stands beside its attempts.
local function is_anothers(job, request, ttl_ms)
  local attempts = key_of(job, 'attempts')
  local record = fields(job, {'state', 'outcome', 'request'})
  local known = record.request or redis.call('HGET', attempts, 'request')
  if known then return known ~= request end
  if not record.state then
    redis.call('HSET', attempts, 'request', request)
    redis.call('PEXPIRE', attempts, ttl_ms)
  elseif record.outcome == 'REVOKED' then
    redis.call('HSET', key_of(job), 'request', request) -- it was revoked before it came
  end
  return false -- an older version's job does not name its request
end

-- Forget how often the job's own task was begun: it gets as many runs as a new one.
local function forget_steps(attempts)
  for _, step in ipairs(STEPS) do redis.call('HDEL', attempts, step, step .. '@', step .. '!', step .. '?') end
end

-- Keep a job's own message until it is due, where the sweep knows it. `parent`: the job that it is a part of, or ''.
local function send_own_later(job, state, own, parent, part, due_ms)
  local list, message = own.list, own.head .. own.tag .. own.tail
  if state == 'finishing' then
    local finish = fields(job, {'finish_head', 'finish_tail', 'finish_list'})
    list, message = finish.finish_list, finish.finish_head .. own.tag .. finish.finish_tail
    redis.call('HSET', key_of(job, 'sent'), 'end', own.tag)
  else
    if state == 'sent' then redis.call('HSET', key_of(job, 'sent'), 'start', message) end
    if parent ~= '' then redis.call('HSET', key_of(parent, 'sent'), part, message) end
  end
  send_later(list, message, due_ms)
end

-- Send the job's own task again, to the back of its queue: this run of it puts the parts together.
local function send_finish(job)
  local record = fields(job, {'finish_head', 'finish_tail', 'finish_list'})
  local tag = new_tag(job, 'end')
  redis.call('HSET', key_of(job, 'sent'), 'end', tag)
  redis.call('LPUSH', record.finish_list, record.finish_head .. tag .. record.finish_tail)
end

-- Write PROGRESS in Celery's own format, for clients that poll the result and for those that listen for it.
-- Only called while the job has not ended, so it never replaces a final result.
-- `r` is the record, as it is in Redis, `amount` that of its measure, if they are known.
local function write_progress(job, r, amount)
  r = r or fields(job, COUNTERS)
  local result = string.format(
    '"total":%d,"done":%d,"failed":%d,"skipped":%d,"computed":%d',
    r.total, r.done, r.failed, r.skipped, r.computed)
  if r.measure then
    amount = amount or redis.call('HGET', key_of(job), r.measure)
    result = result .. string.format(
      ',%s:%.3f,"measure":{"amount":%.3f,"unit":%s}', cjson.encode(r.measure), amount, amount, cjson.encode(r.unit))
  end
  local value = '{"status":"PROGRESS","result":{' .. result .. '}' ..
    ',"traceback":null,"children":[],"date_done":null,"task_id":' .. cjson.encode(job) .. '}'
  local key = 'celery-task-meta-' .. job
  -- Only news: a user who may not write it must not end the script halfway.
  redis.pcall('SET', key, value, 'PX', r.ttl_ms)
  redis.pcall('PUBLISH', key, value)
end

-- Whether every part has ended.
local function is_complete(record)
  return record.done + record.failed + record.skipped >= tonumber(record.total)
end
