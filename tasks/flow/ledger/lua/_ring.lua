-- Head of every ledger script: whose part is sent next to a model's queue. Defines functions, runs nothing by itself.
--
-- What is under way in one list of a model's queue is bounded by what the model's live slots take at once. Whenever it
-- has room, the next part is that of the job that is first in the ring, which becomes the last after a row of parts: about
-- a batch of one slot, one part where the slots take few. So no job fills the queue, and one that is opened last is served
-- within about one window. The ring has the jobs that were asked for: a book is there once, whatever number of its
-- chapters is open, and its first chapter is served first. A job's own `width` is an upper bound beside that.
--
-- Keys, for each list of a model's queue:
--   slotline:ring:<list>       zset  `=job`, or `>book` for the open chapters of one -> how often it was served,
--                                    counted from where the ring was when it came; the smallest is next
--   slotline:ring:<list>:jobs  zset  jobs inside another with parts that may wait, each as a seat (`seat_of`); all
--                                    scores are 0
--   slotline:ring:<list>:sent  zset  `job.part` that is under way -> when it was sent or last looked at, ms
--
-- Guarantee: while a job waits in the ring, the list has no room, so something of it is under way. Every step that ends a
-- part (settle, cancel) or lets it wait elsewhere (a further try; another slot computes the same) gives its room to the
-- next in the same script. The ring only names who may be next: a job's own record decides, and a seat of a job that
-- has ended is dropped when it is found. The sweep finds what is lost (`look_after_ring`).

local RING = 'slotline:ring:'
local LEAST_ROOM = 4
local SHARE_OF_SLOT = 3
local SENDING = {'state', 'total', 'sent', 'next', 'width', 'model', 'part_task', 'part_list', 'part_priority', 'part_queue',
  'part_results', 'root', 'variant', 'top', 'parent_job', 'parent_part', 'in_row'} -- what sending a part of another job needs
local LOOKED_AT = 20 -- entries of :sent that one look of the sweep examines

-- What the model's live slots take at once, and how many parts a job gets in a row: about a batch of one slot, which is a
-- third of what it takes at once. So a batch has parts of few jobs, which are settled together (settle.lua).
local function capacity_of(model)
  local capacity = 0
  local live = redis.call('ZRANGEBYSCORE', 'slotline:capacity:' .. model, now_ms(), '+inf')
  for _, member in ipairs(live) do capacity = capacity + (tonumber(string.match(member, '|(%d+)$')) or 1) end
  return math.max(capacity, LEAST_ROOM), math.max(1, math.floor(capacity / math.max(1, #live) / SHARE_OF_SLOT))
end

-- Parts of the queue `flow` are jobs, such as chapters: how many are open at once is their parent's matter alone.
local function uses_ring(record)
  return record.model and record.part_queue == record.model
end

local function own_room(record)
  local width = tonumber(record.width)
  if width == 0 then width = uses_ring(record) and math.huge or capacity_of(record.model) end
  return width - tonumber(record.sent)
end

-- The job that a person asked for. A record of an older version does not name it.
local function root_of(job, record)
  if record.top then return record.top end
  return record.parent_job and record.parent_job ~= '' and record.parent_job or job
end

local function is_nested(record)
  return record.parent_job and record.parent_job ~= ''
end

-- What stands in the ring for a job: itself, or the root that its seat is under.
local function entry_of(job, record)
  return is_nested(record) and '>' .. root_of(job, record) or '=' .. job
end

-- The beginning of all seats of one root: no root's is the beginning of another's, whatever is in their ids.
local function seats_of(entry)
  return #entry .. ':' .. entry .. '\n'
end

-- Of one root, the job with the smallest number is first: a book's first chapter.
local function seat_of(job, record)
  return seats_of(entry_of(job, record)) .. string.format('%09d', tonumber(record.parent_part) or 0) .. '\n' .. job
end

-- The job that an entry of the ring stands for now, and its seat, if it has one; nothing when there is none.
local function first_job(ring, entry)
  if string.sub(entry, 1, 1) == '=' then return string.sub(entry, 2) end
  local start = seats_of(entry)
  local seat = redis.call('ZRANGE', ring .. ':jobs', '[' .. start, '(' .. start .. ':', 'BYLEX', 'LIMIT', 0, 1)[1]
  if seat then return string.sub(seat, #start + 11), seat end
end

-- Let a job be in the ring; an entry that comes new is served after all that are there.
local function take_seat(job, record)
  local ring, entry = RING .. record.part_list, entry_of(job, record)
  if is_nested(record) then redis.call('ZADD', ring .. ':jobs', 0, seat_of(job, record)) end
  redis.call('ZADD', ring, 'NX', redis.call('ZRANGE', ring, 0, 0, 'REV', 'WITHSCORES')[2] or 0, entry)
  redis.call('HSET', key_of(job), 'seated', 1)
  record.seated = '1'
end

-- Returns whether its entry has gone from the ring, too.
local function give_up_seat(ring, entry, seat, job)
  redis.call('HDEL', key_of(job), 'seated')
  if seat then redis.call('ZREM', ring .. ':jobs', seat) end
  if seat and first_job(ring, entry) then return false end
  redis.call('ZREM', ring, entry)
  return true
end

-- Move `next` to the next part that waits; returns it, or nothing.
local function next_waiting(job, record)
  local states, cursor, total = key_of(job, 'states'), tonumber(record.next), tonumber(record.total)
  while cursor <= total do
    local chunk = redis.call('GETRANGE', states, cursor - 1, cursor + 254)
    local at = string.find(chunk, '.', 1, true)
    record.next = cursor + (at and at - 1 or math.max(1, #chunk))
    if at then return record.next end
    cursor = record.next
  end
end

-- Send up to so many waiting parts of a job, in order, within its own bound; returns how many.
local function send_parts(job, record, limit)
  limit = math.min(limit, own_room(record))
  local count = 0
  while count < limit do
    local part = next_waiting(job, record)
    if not part then break end
    send_part(job, record, part)
    redis.call('SETRANGE', key_of(job, 'states'), part - 1, 'q')
    if uses_ring(record) then
      redis.call('ZADD', RING .. record.part_list .. ':sent', now_ms(), job .. '.' .. part)
    end
    record.next, count = part + 1, count + 1
  end
  record.sent, record.in_row = record.sent + count, (record.in_row or 0) + count
  redis.call('HSET', key_of(job), 'next', record.next, 'sent', record.sent, 'in_row', record.in_row)
  return count
end

local function can_send(record)
  return tonumber(record.next) <= tonumber(record.total) and own_room(record) > 0
end

-- Send parts of the entry that is first in the ring: what is left of its row, or what there is room for if it is alone.
-- After a row, or when it has nothing more to send, count that it was served. Returns how many were sent.
local function serve_first(ring, list, entry, is_alone, room, row, records)
  local job, seat = first_job(ring, entry)
  if not job then
    redis.call('ZREM', ring, entry)
    return 0
  end
  local record = records[job] or fields(job, SENDING)
  records[job] = record
  local is_open = record.state == 'open' and record.part_list == list
  local left = math.max(1, row - (record.in_row or 0))
  local count = is_open and send_parts(job, record, is_alone and room or math.min(room, left)) or 0
  local stays = is_open and can_send(record)
  local is_row_over = count >= left or not stays
  if not stays then
    record.seated = false
    stays = not give_up_seat(ring, entry, seat, job)
  end
  if is_row_over and record.state then
    record.in_row = 0
    redis.call('HSET', key_of(job), 'in_row', 0)
    if stays and count > 0 and not is_alone then redis.call('ZADD', ring, 'INCR', 1, entry) end
  end
  return count
end

-- Fill the room of a list with the parts of the jobs that are next in its ring. `record`, if given, is that of `job`, as
-- it is in Redis.
local function serve_ring(list, model, job, record)
  local ring, records = RING .. list, {}
  local capacity, row = capacity_of(model)
  local room = capacity - redis.call('ZCARD', ring .. ':sent')
  if job then records[job] = record end
  while room > 0 do
    local first, second = unpack(redis.call('ZRANGE', ring, 0, 1))
    if not first then return end
    room = room - serve_first(ring, list, first, not second, room, row, records)
  end
end

-- Send what goes next after a step of this job. `record` is as in Redis.
local function refill(job, record)
  if not uses_ring(record) then
    send_parts(job, record, math.huge)
    return
  end
  if not record.seated and can_send(record) then take_seat(job, record) end
  serve_ring(record.part_list, record.model, job, record)
end

-- A part is not under way (any more): its room is another's.
local function leave_room(job, record, part)
  if uses_ring(record) then redis.call('ZREM', RING .. record.part_list .. ':sent', job .. '.' .. part) end
end

-- A job is over before its time: its seat and the room of these parts are others'.
local function leave_ring(job, record, parts)
  if not uses_ring(record) then return end
  local ring = RING .. record.part_list
  for _, part in ipairs(parts) do leave_room(job, record, part) end
  local seat = is_nested(record) and seat_of(job, record)
  if record.seated then give_up_seat(ring, entry_of(job, record), seat, job) end
end

-- What the sweep does for an open job: room that nothing takes is found, and the ring names the job if parts of it wait.
local function look_after_ring(job, record)
  if not uses_ring(record) then return end
  local ring, now = RING .. record.part_list, now_ms()
  for _, entry in ipairs(redis.call('ZRANGE', ring .. ':sent', 0, LOOKED_AT - 1)) do
    local whose, part = string.match(entry, '^(.*)%.(%d+)$')
    local is_under_way = redis.call('HGET', key_of(whose), 'state') == 'open' and
      redis.call('GETRANGE', key_of(whose, 'states'), part - 1, part - 1) == 'q'
    if is_under_way then
      redis.call('ZADD', ring .. ':sent', 'XX', now, entry)
    else
      redis.call('ZREM', ring .. ':sent', entry)
    end
  end
  if can_send(record) then take_seat(job, record) end
  refill(job, record)
end
