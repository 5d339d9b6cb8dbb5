// SPDX-License-Identifier: Apache-2.0
#include "store/scripts.h"

// What a script holds its keys against before it writes: an error reply, or nil where all is well.
#define CHECKS                                                                                               \
	"local function check(k, kind)\n"                                                                    \
	"  local t = redis.call('TYPE', k).ok\n"                                                             \
	"  if t ~= kind and t ~= 'none' then return redis.error_reply('WRONGTYPE ' .. k .. ' is a ' .. t) end\n" \
	"end\n"                                                                                              \
	"local function number(v, what)\n"                                                                   \
	"  if v and not string.match(v, '^-?%d+$') then\n"                                                   \
	"    return redis.error_reply('WRONGTYPE ' .. what .. ' is no number')\n"                            \
	"  end\n"                                                                                            \
	"end\n"

// Replies that are no error: {"OK", ...} or {"FENCED", reason}.
const char *const script_text[SCRIPTS] = {
	// KEYS part state; ARGV nonce. -> epoch, the hash as it was before, its states
	[SCRIPT_CLAIM] = CHECKS
		"local bad = check(KEYS[1], 'hash') or check(KEYS[2], 'set')\n"
		"if bad then return bad end\n"
		"local states = {}\n"
		"for _, m in ipairs(redis.call('SMEMBERS', KEYS[2])) do\n"
		"  bad = check(KEYS[2] .. '\\31' .. m, 'string'); if bad then return bad end\n"
		"  states[#states + 1] = m\n"
		"  states[#states + 1] = redis.call('GET', KEYS[2] .. '\\31' .. m) or ''\n"
		"end\n"
		"local now = redis.call('TIME')\n"
		"local epoch = redis.call('HINCRBY', KEYS[1], 'epoch', 1)\n"
		"redis.call('HSET', KEYS[1], 'nonce', ARGV[1], 'idle', 0, 'beat', now[1] * 1000)\n"
		"return {epoch, redis.call('HGETALL', KEYS[1]), states}\n",

	// KEYS part streams journal journal-seq wake, then per stream parts idx w dirty widths floor holes, then segment,
	// stage and state keys by number. ARGV: see store_checkpoint.
	[SCRIPT_CHECKPOINT] = CHECKS
		"local held = redis.call('HMGET', KEYS[1], 'nonce', 'next', 'too_old', 'lost')\n"
		"if held[1] ~= ARGV[1] then return {'FENCED', 'the claim belongs to another worker'} end\n"
		"if (held[2] or '-1') ~= ARGV[2] then return {'FENCED', 'the stored offset is ' .. (held[2] or 'none')} end\n"
		"local ns, ng, ne = tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])\n"
		"local kinds = {'set', 'zset', 'hash', 'set', 'set', 'string', 'zset'}\n"
		"local bad = check(KEYS[2], 'hash') or check(KEYS[3], 'zset') or check(KEYS[4], 'string') or check(KEYS[5], 'list')\n"
		"  or number(held[3], 'too_old') or number(held[4], 'lost')\n"
		"if bad then return bad end\n"
		"bad = number(redis.call('GET', KEYS[4]), KEYS[4])\n"
		"if bad then return bad end\n"
		"for i = 0, ns - 1 do for j = 1, 7 do bad = check(KEYS[5 + i * 7 + j], kinds[j]); if bad then return bad end end end\n"
		"local a = 16 + ns * 8\n"
		"for g = 0, ng - 1 do\n"
		"  local p = a + g * 6\n"
		"  local writes = KEYS[8 + tonumber(ARGV[p]) * 7]\n"
		"  bad = check(KEYS[tonumber(ARGV[p + 1])], 'hash') or number(redis.call('HGET', writes, ARGV[p + 2]), writes)\n"
		"  if bad then return bad end\n"
		"  if string.lower(ARGV[p + 4]) == 's' and redis.call('EXISTS', KEYS[tonumber(ARGV[p + 5])]) == 0 then\n"
		"    return redis.error_reply('STAGE a staged segment has expired') end\n"
		"  if string.find('ISd', ARGV[p + 4], 1, true) and redis.call('HEXISTS', KEYS[tonumber(ARGV[p + 1])], ARGV[p + 3]) == 0 then\n"
		"    return {'FENCED', 'a segment of it was rolled up'} end\n"
		"end\n"
		"local e = a + ng * 6\n"
		"local st = e + ne + 4\n"
		"local names = KEYS[tonumber(ARGV[st - 1])]\n"
		"bad = check(names, 'set'); if bad then return bad end\n"
		"for q = st, #ARGV, 4 do\n"
		"  bad = check(KEYS[tonumber(ARGV[q])], 'string'); if bad then return bad end\n"
		"end\n"
		"local now = redis.call('TIME')\n"
		"local ms = now[1] * 1000 + math.floor(now[2] / 1000)\n"
		"redis.call('HSET', KEYS[1], 'next', ARGV[3], 'co', ARGV[4], 'ct', ARGV[5], 'cc', ARGV[6], 'idle', ARGV[7],\n"
		"  'end', ARGV[8], 'target', ARGV[9], 'beat', ms)\n"
		"if ARGV[10] ~= '0' then redis.call('HINCRBY', KEYS[1], 'too_old', ARGV[10]) end\n"
		"if ARGV[11] ~= '0' then redis.call('HINCRBY', KEYS[1], 'lost', ARGV[11]) end\n"
		"local floors = {}\n"
		"for i = 0, ns - 1 do\n"
		"  local name, event, untimed, width = ARGV[16 + i * 8], ARGV[17 + i * 8], ARGV[18 + i * 8], ARGV[19 + i * 8]\n"
		"  local hole, final, holes, born = ARGV[20 + i * 8], ARGV[21 + i * 8], KEYS[12 + i * 7], ARGV[22 + i * 8]\n"
		"  local letters = ARGV[23 + i * 8]\n"
		"  if redis.call('HSETNX', KEYS[2], name, ms) == 1 and born ~= '' then\n"
		"    redis.call('ZADD', KEYS[3], ms, string.format('%016d ', redis.call('INCR', KEYS[4])) .. born)\n"
		"  end\n"
		"  redis.call('SADD', KEYS[6 + i * 7], KEYS[1])\n"
		"  redis.call('SADD', KEYS[10 + i * 7], width)\n"
		"  redis.call('HSET', KEYS[1], 'm:' .. name, event, 'u:' .. name, untimed, 'n:' .. name, ARGV[3])\n"
		"  if final ~= '' then\n"
		"    redis.call('ZADD', holes, final, hole); redis.call('HDEL', KEYS[1], 'h:' .. name)\n"
		"    redis.call('ZREMRANGEBYRANK', holes, 0, -10001)\n"
		"  elseif hole ~= '' then redis.call('HSET', KEYS[1], 'h:' .. name, hole) end\n"
		"  if letters == '' then redis.call('HDEL', KEYS[1], 'd:' .. name)\n"
		"  else redis.call('HSET', KEYS[1], 'd:' .. name, letters) end\n"
		"  floors[i + 1] = redis.call('GET', KEYS[11 + i * 7]) or ''\n"
		"end\n"
		"for g = 0, ng - 1 do\n"
		"  local p = a + g * 6\n"
		"  local i, key, start, field = tonumber(ARGV[p]), KEYS[tonumber(ARGV[p + 1])], ARGV[p + 2], ARGV[p + 3]\n"
		"  local mode, bytes = string.lower(ARGV[p + 4]), ARGV[p + 5]\n"
		"  if mode == 'd' then redis.call('HDEL', key, field)\n"
		"  elseif mode == 's' then\n"
		"    local stage = KEYS[tonumber(bytes)]\n"
		"    redis.call('HSET', key, field, redis.call('GET', stage)); redis.call('DEL', stage)\n"
		"  else redis.call('HSET', key, field, bytes) end\n"
		"  redis.call('ZADD', KEYS[7 + i * 7], start, start)\n"
		"  redis.call('HINCRBY', KEYS[8 + i * 7], start, 1)\n"
		"  redis.call('SADD', KEYS[9 + i * 7], start)\n"
		"end\n"
		"for k = 0, ne - 1 do\n"
		"  local seq = redis.call('INCR', KEYS[4])\n"
		"  redis.call('ZADD', KEYS[3], ms, string.format('%016d ', seq) .. ARGV[e + k])\n"
		"end\n"
		"if ARGV[e + ne] ~= '0' then\n"
		"  for i = 0, ns - 1 do redis.call('HSETNX', KEYS[2], ARGV[16 + i * 8] .. '\\31' .. ARGV[e + ne + 1], ARGV[e + ne]) end\n"
		"end\n"
		"redis.call('HSET', KEYS[1], 'wait', ARGV[e + ne + 2])\n"
		"for q = st, #ARGV, 4 do\n"
		"  local key, member, op, bytes = KEYS[tonumber(ARGV[q])], ARGV[q + 1], ARGV[q + 2], ARGV[q + 3]\n"
		"  if op == 'd' then redis.call('DEL', key); redis.call('SREM', names, member)\n"
		"  else redis.call(op == 'a' and 'APPEND' or 'SET', key, bytes); redis.call('SADD', names, member) end\n"
		"end\n"
		"if ARGV[15] == '1' then redis.call('LPUSH', KEYS[5], 1); redis.call('LTRIM', KEYS[5], 0, 0) end\n"
		"return {'OK', floors}\n",

	// KEYS lease; ARGV nonce ttl -> 1 or 0
	[SCRIPT_LEASE] =
		"local now = redis.call('TIME')\n"
		"local ms = now[1] * 1000 + math.floor(now[2] / 1000)\n"
		"local held = redis.call('HMGET', KEYS[1], 'nonce', 'until')\n"
		"if held[1] and held[1] ~= ARGV[1] and tonumber(held[2]) > ms then return 0 end\n"
		"if held[1] ~= ARGV[1] then redis.call('HINCRBY', KEYS[1], 'token', 1) end\n"
		"redis.call('HSET', KEYS[1], 'nonce', ARGV[1], 'until', string.format('%.0f', ms + tonumber(ARGV[2])))\n"
		"return 1\n",

	[SCRIPT_LEASE_RELEASE] =
		"if redis.call('HGET', KEYS[1], 'nonce') == ARGV[1] then redis.call('HDEL', KEYS[1], 'nonce', 'until') end\n"
		"return 1\n",

	// KEYS lease journal seq outbox sent, then doc tables and due sets by number.
	// ARGV nonce ndocs nevents noutbox, docs (key number, field, json or '', present), events (at, json),
	// outbox (due key number, id, due, json)
	[SCRIPT_COMMIT] = CHECKS
		"if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[1] then return {'FENCED', 'another process leads'} end\n"
		"local bad = check(KEYS[2], 'zset') or check(KEYS[3], 'string') or check(KEYS[4], 'hash') or check(KEYS[5], 'zset')\n"
		"bad = bad or number(redis.call('GET', KEYS[3]), KEYS[3])\n"
		"if bad then return bad end\n"
		"local nd, ne, no = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])\n"
		"local p = 5\n"
		"for i = 1, nd do\n"
		"  bad = check(KEYS[tonumber(ARGV[p])], 'hash'); if bad then return bad end\n"
		"  p = p + 4\n"
		"end\n"
		"p = p + ne * 2\n"
		"for i = 1, no do\n"
		"  bad = check(KEYS[tonumber(ARGV[p])], 'zset'); if bad then return bad end\n"
		"  p = p + 4\n"
		"end\n"
		"p = 5\n"
		"for i = 1, nd do\n"
		"  local key = KEYS[tonumber(ARGV[p])]\n"
		"  if ARGV[p + 3] == '1' then redis.call('HSET', key, ARGV[p + 1], ARGV[p + 2]) else redis.call('HDEL', key, ARGV[p + 1]) end\n"
		"  p = p + 4\n"
		"end\n"
		"for i = 1, ne do\n"
		"  local seq = redis.call('INCR', KEYS[3])\n"
		"  redis.call('ZADD', KEYS[2], ARGV[p], string.format('%016d ', seq) .. ARGV[p + 1])\n"
		"  p = p + 2\n"
		"end\n"
		"if ne > 0 then\n"
		"  local n = redis.call('ZCARD', KEYS[2])\n"
		"  if n > 100000 then redis.call('ZREMRANGEBYRANK', KEYS[2], 0, n - 100001) end\n"
		"end\n"
		"for i = 1, no do\n"
		"  local id = ARGV[p + 1]\n"
		"  if redis.call('HEXISTS', KEYS[4], id) == 0 and not redis.call('ZSCORE', KEYS[5], id) then\n"
		"    redis.call('HSET', KEYS[4], id, ARGV[p + 3])\n"
		"    redis.call('ZADD', KEYS[tonumber(ARGV[p])], ARGV[p + 2], id)\n"
		"  end\n"
		"  p = p + 4\n"
		"end\n"
		"return {'OK'}\n",

	// KEYS lease floor idx w dirty holes rolls, then segment keys; ARGV nonce floor, members of idx and rolls
	[SCRIPT_FLOOR] =
		"if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[1] then return {'FENCED', 'another process leads'} end\n"
		"local old = redis.call('GET', KEYS[2])\n"
		"if not old or tonumber(old) < tonumber(ARGV[2]) then redis.call('SET', KEYS[2], ARGV[2]) end\n"
		"for i = 3, #ARGV do\n"
		"  redis.call('ZREM', KEYS[3], ARGV[i]); redis.call('HDEL', KEYS[4], ARGV[i]); redis.call('SREM', KEYS[5], ARGV[i])\n"
		"  redis.call('ZREM', KEYS[7], ARGV[i])\n"
		"end\n"
		"redis.call('ZREMRANGEBYSCORE', KEYS[6], '-inf', ARGV[2])\n"
		"for i = 8, #KEYS do redis.call('DEL', KEYS[i]) end\n"
		"return {'OK'}\n",

	// KEYS lease dirty; ARGV nonce
	[SCRIPT_DIRTY] =
		"if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[1] then return {'FENCED', 'another process leads'} end\n"
		"local m = redis.call('SMEMBERS', KEYS[2])\n"
		"redis.call('DEL', KEYS[2])\n"
		"return {'OK', m}\n",

	// KEYS lease outbox due sent dead journal seq; ARGV nonce op id at text
	[SCRIPT_OUTBOX] = CHECKS
		"if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[1] then return {'FENCED', 'another process leads'} end\n"
		"local bad = check(KEYS[2], 'hash') or check(KEYS[3], 'zset') or check(KEYS[4], 'zset') or check(KEYS[5], 'hash')\n"
		"  or check(KEYS[6], 'zset') or check(KEYS[7], 'string')\n"
		"bad = bad or number(redis.call('GET', KEYS[7]), KEYS[7])\n"
		"if bad then return bad end\n"
		"local json = redis.call('HGET', KEYS[2], ARGV[3])\n"
		"if not json then return {'OK'} end\n"
		"local op, id = ARGV[2], ARGV[3]\n"
		"if op == 'attempt' or op == 'retry' then redis.call('HSET', KEYS[2], id, ARGV[5]) end\n"
		"if op == 'retry' then redis.call('ZADD', KEYS[3], ARGV[4], id) end\n"
		"if op == 'done' or op == 'dead' then\n"
		"  redis.call('HDEL', KEYS[2], id); redis.call('ZREM', KEYS[3], id)\n"
		"  local now = redis.call('TIME')\n"
		"  redis.call('ZADD', KEYS[4], now[1], id)\n"
		"  local n = redis.call('ZCARD', KEYS[4])\n"
		"  if n > 100000 then redis.call('ZREMRANGEBYRANK', KEYS[4], 0, n - 100001) end\n"
		"end\n"
		"if op == 'dead' then\n"
		"  redis.call('HSET', KEYS[5], id, ARGV[5])\n"
		"  local seq = redis.call('INCR', KEYS[7])\n"
		"  redis.call('ZADD', KEYS[6], ARGV[4], string.format('%016d ', seq) .. ARGV[6])\n"
		"end\n"
		"return {'OK'}\n",

	// KEYS lease idx w dirty rolls stage target, then the sources' segments; ARGV nonce start member (of the target in
	// rolls) nsegments, then of each source its member of idx or rolls and its write counter.
	[SCRIPT_ROLL_UP] = CHECKS
		"if redis.call('HGET', KEYS[1], 'nonce') ~= ARGV[1] then return {'FENCED', 'another process leads'} end\n"
		"local kinds = {'hash', 'zset', 'hash', 'set', 'zset', 'hash', 'hash'}\n"
		"for i = 2, 7 do local bad = check(KEYS[i], kinds[i]); if bad then return bad end end\n"
		"if redis.call('HLEN', KEYS[6]) ~= tonumber(ARGV[4]) then return {'CHANGED'} end\n"
		"local bad = number(redis.call('HGET', KEYS[3], ARGV[3]), 'a write counter'); if bad then return bad end\n"
		"local known = not redis.call('ZSCORE', KEYS[5], ARGV[3])\n"
		"for i = 5, #ARGV, 2 do\n"
		"  if redis.call('HGET', KEYS[3], ARGV[i]) ~= ARGV[i + 1] then return {'CHANGED'} end\n"
		"  known = known or ARGV[i] == ARGV[3]\n"
		"end\n"
		"if not known then return {'CHANGED'} end\n"
		"redis.call('PERSIST', KEYS[6]); redis.call('RENAME', KEYS[6], KEYS[7])\n"
		"for i = 5, #ARGV, 2 do\n"
		"  local m = ARGV[i]\n"
		"  redis.call('SREM', KEYS[4], m)\n"
		"  if m ~= ARGV[3] then redis.call('ZREM', KEYS[2], m); redis.call('ZREM', KEYS[5], m); redis.call('HDEL', KEYS[3], m) end\n"
		"end\n"
		"for i = 8, #KEYS do redis.call('DEL', KEYS[i]) end\n"
		"redis.call('ZADD', KEYS[5], ARGV[2], ARGV[3])\n"
		"redis.call('HINCRBY', KEYS[3], ARGV[3], 1)\n"
		"return {'OK'}\n",
};
