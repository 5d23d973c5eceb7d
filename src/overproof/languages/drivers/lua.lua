-- Answers calls to one function of a Lua program, in plain data.
-- Lua cannot use descriptor 3, so its standard input and output are made the channel before it
-- starts, and the program gets others. Everything of the library that is needed is taken first.
local channel_in, channel_out, stderr = io.stdin, io.stdout, io.stderr
local open, exit, execute, load, pcall, error = io.open, os.exit, os.execute, load, pcall, error
local rawget, next, type, tostring, tonumber = rawget, next, type, tostring, tonumber
local mathtype, format, gsub, match = math.type, string.format, string.gsub, string.match
local sub, byte, find = string.sub, string.byte, string.find
local pack, unpack, utf8char, utf8len = string.pack, string.unpack, utf8.char, utf8.len
local concat, spread, select, globals = table.concat, table.unpack, select, _G

local MAX_DEPTH, MAX_BYTES, EXACT = 100, 8 << 20, 1 << 53
local NULL, TOO_LARGE = {}, {}
local WORDS = {
  null = NULL, ["true"] = true, ["false"] = false,
  NaN = 0 / 0, Infinity = 1 / 0, ["-Infinity"] = -1 / 0,
}
local UNESCAPED = {n = "\n", t = "\t", r = "\r", b = "\b", f = "\f"}

local function send(text)
  channel_out:write(pack("<I4", #text), text)
  channel_out:flush()
end

local function read_exactly(size)
  local content = size == 0 and "" or channel_in:read(size)
  if not content or #content < size then exit(0) end
  return content
end

-- Reading: JSON, and at once the values that tagged objects stand for.

local text, at
local value

local function sign()
  at = find(text, "%S", at)
  return sub(text, at, at)
end

local function escape()
  local letter = sub(text, at, at)
  at = at + 1
  if letter ~= "u" then return UNESCAPED[letter] or letter end
  local code = tonumber(sub(text, at, at + 3), 16)
  at = at + 4
  if code >= 0xD800 and code < 0xDC00 and sub(text, at, at + 1) == "\\u" then
    code = 0x10000 + ((code - 0xD800) << 10) + tonumber(sub(text, at + 2, at + 5), 16) - 0xDC00
    at = at + 6
  end
  return utf8char(code)
end

local function quoted()
  local pieces, count = {}, 0
  at = at + 1
  while true do
    local stop = find(text, '["\\]', at)
    count = count + 1
    pieces[count] = sub(text, at, stop - 1)
    at = stop + 1
    if byte(text, stop) == 0x22 then return concat(pieces) end
    count = count + 1
    pieces[count] = escape()
  end
end

-- Calls `item` for each member between brackets.
local function members(closing, item)
  at = at + 1
  while sign() ~= closing do
    item()
    if sign() == "," then at = at + 1 end
  end
  at = at + 1
end

local function present(found)
  if found ~= NULL then return found end
end

local function list()
  local found, count = {}, 0
  members("]", function()
    count = count + 1
    found[count] = present(value())
  end)
  return found, count
end

local function whole(digits)
  local minus, hex = match(digits, "^(%-?)0x(%x+)$")
  local found = #hex <= 16 and tonumber("0x" .. hex) or tonumber("0x" .. hex .. ".0")
  return minus == "-" and -found or found
end

local function object()
  local found, key = {}, nil
  members("}", function()
    key = quoted()
    sign()
    at = at + 1
    sign()
    local length
    found[key], length = value()
    if key == "args" then found.length = length end
  end)
  local content = found[key]
  if key == "tuple" or key == "set" or key == "frozenset" then return content end
  if key == "int" then return whole(content) end
  if key ~= "dict" then return found end
  local map = {}
  for _, pair in next, content do map[pair[1]] = pair[2] end
  return map
end

function value()
  local first = sign()
  if first == '"' then return quoted() end
  if first == "[" then return list() end
  if first == "{" then return object() end
  local from, to = find(text, "^[-+.%w]+", at)
  at = to + 1
  local word = sub(text, from, to)
  if WORDS[word] ~= nil then return WORDS[word] end
  return tonumber(word)
end

local function receive()
  text, at = read_exactly((unpack("<I4", read_exactly(4)))), 1
  return value()
end

-- Writing.

local out, count, size

local function put(piece)
  count = count + 1
  out[count] = piece
  size = size + #piece
  if size > MAX_BYTES then error(TOO_LARGE, 0) end
end

-- Bytes that are no UTF-8 become the replacement character.
local function valid(content)
  local pieces, from = {}, 1
  while from <= #content do
    local _, bad = utf8len(content, from)
    pieces[#pieces + 1] = sub(content, from, (bad or #content + 1) - 1)
    if bad then pieces[#pieces + 1] = "\u{FFFD}" end
    from = (bad or #content) + 1
  end
  return concat(pieces)
end

local function put_text(content)
  if size + #content > MAX_BYTES then error(TOO_LARGE, 0) end
  if not utf8len(content) then content = valid(content) end
  content = gsub(content, '[%c"\\]', function(c) return format("\\u%04x", byte(c)) end)
  put('"' .. content .. '"')
end

local function put_opaque(name)
  put('{"opaque":')
  put_text(name)
  put("}")
end

local function put_number(number)
  if mathtype(number) == "integer" then
    if -EXACT < number and number < EXACT then return put(format("%d", number)) end
    local minus = number < 0 and "-" or ""
    return put(format('{"int":"%s0x%x"}', minus, number < 0 and -number or number))
  end
  if number ~= number then return put("NaN") end
  if number == 1 / 0 then return put("Infinity") end
  if number == -1 / 0 then return put("-Infinity") end
  local found
  for digits = 15, 17 do
    found = format("%." .. digits .. "g", number)
    if tonumber(found) == number then break end
  end
  put(find(found, "[.e]") and found or found .. ".0")
end

local put_value

local function put_table(found, depth)
  local length = 0
  for _ in next, found do length = length + 1 end
  local is_list = true
  for place = 1, length do
    if rawget(found, place) == nil then
      is_list = false
      break
    end
  end
  put(is_list and "[" or '{"dict":[')
  local separator = ""
  if is_list then
    for place = 1, length do
      put(separator)
      put_value(rawget(found, place), depth + 1)
      separator = ","
    end
  else
    for key, item in next, found do
      put(separator .. "[")
      put_value(key, depth + 1)
      put(",")
      put_value(item, depth + 1)
      put("]")
      separator = ","
    end
  end
  put(is_list and "]" or "]}")
end

function put_value(found, depth)
  local kind = type(found)
  if kind == "nil" then put("null")
  elseif kind == "boolean" then put(found and "true" or "false")
  elseif kind == "number" then put_number(found)
  elseif kind == "string" then put_text(found)
  elseif kind ~= "table" then put_opaque(kind)
  elseif depth > MAX_DEPTH then put_opaque("deep")
  else put_table(found, depth)
  end
end

local function message(first, kind, detail)
  out, count, size = {}, 0, 0
  put('{"' .. first .. '":')
  put_text(kind)
  put(',"detail":')
  put_text(sub(match(detail, "[^\n]*"), 1, 200))
  put("}")
  return concat(out)
end

local function value_message(found)
  out, count, size = {}, 0, 0
  put('{"value":')
  put_value(found, 0)
  put("}")
  return concat(out)
end

-- What was raised: its kind and a line about it.
local function described(raised)
  if type(raised) ~= "string" then return "Error", type(raised) end
  local overflow = find(raised, "stack overflow", 1, true)
  return overflow and "RecursionError" or "Error", raised
end

local function answer(target, args, length)
  local called, found = pcall(target, spread(args, 1, length))
  if not called then
    if found == "not enough memory" then return message("raised", "MemoryError", found) end
    return message("raised", described(found))
  end
  local sent, reply = pcall(value_message, found)
  if sent then return reply end
  return message("raised", "OutputLimit", "the result is too large")
end

-- The program. A local function at its top is seen only by a line at its end.

local function load_program(name)
  local file = open("program.lua", "rb")
  local source = gsub(gsub(file:read("a"), "^\xEF\xBB\xBF", ""), "^#[^\n]*", "")
  file:close()
  local chunk = load(source .. "\nreturn " .. name, "@program.lua", "t")
  local problem
  if not chunk then chunk, problem = load(source, "@program.lua", "t") end
  if not chunk then return nil, "compile_error", problem end
  local loaded, found = pcall(chunk)
  if not loaded then
    local _, detail = described(found)
    return nil, "error", "while loading: " .. detail
  end
  if type(found) == "table" then found = rawget(found, name) end
  if type(found) ~= "function" then found = rawget(globals, name) end
  if type(found) ~= "function" then return nil, "no_code", "no function " .. name end
  return found
end

local function serve(name)
  io.stdout = stderr
  io.output(stderr)
  io.stdin = open("/dev/null", "r")
  io.input(io.stdin)
  function print(...)
    local items = {...}
    for place = 1, select("#", ...) do items[place] = tostring(items[place]) end
    stderr:write(concat(items, "\t"), "\n")
  end
  function os.execute(command)
    return execute(command and "exec </dev/null >&2; " .. command)
  end
  arg = {[0] = "program.lua"}
  local target, failed, detail = load_program(name)
  if not target then return send(message("failed", failed, detail)) end
  send('{"loaded":true}')
  while true do
    local calls = receive().calls
    for place = 1, #calls do send(answer(target, calls[place].args, calls[place].length)) end
  end
end

