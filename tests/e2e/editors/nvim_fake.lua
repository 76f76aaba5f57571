-- A language server inside Neovim: `ANSWERS` says what it answers (by command), `SENT` holds what it was
-- told, `SAID` the messages that the user saw. `TEST` runs one test, `REPORT` prints all as JSON.
ANSWERS, SENT, SAID = {}, {}, {}

vim.opt.runtimepath:prepend(vim.env.HOMESPUN_NVIM_MODULE)

local commands = {
  'homespun.accepted',
  'homespun.showSources',
  'homespun.why',
  'homespun.search',
  'homespun.status',
  'homespun.pause',
  'homespun.resume',
  'homespun.fetchModel',
  'homespun.adapters',
  'homespun.report',
  'homespun.reindex', -- and no homespun.acceptance: an older server
}

local function answer(method, params)
  if method == 'initialize' then
    INITIALIZE = params
    return {
      capabilities = {
        executeCommandProvider = { commands = commands },
        inlineCompletionProvider = {},
        textDocumentSync = { openClose = true, change = 2 },
      },
    }
  elseif method == 'workspace/executeCommand' then
    local reply = ANSWERS[params.command]
    return type(reply) == 'function' and reply(unpack(params.arguments or {})) or reply
  elseif method == 'textDocument/inlineCompletion' then
    return ANSWERS[method] and ANSWERS[method](params) or { items = {} }
  end
end

function FAKE(dispatchers)
  DISPATCHERS = dispatchers
  local id, closing = 0, false
  local function close(code, signal)
    if not closing then
      closing = true
      dispatchers.on_exit(code, signal)
    end
  end
  return {
    die = close,
    request = function(method, params, callback)
      id = id + 1
      table.insert(SENT, { method = method, params = params })
      local json = vim.json.encode({ answer(method, params) })
      local result = vim.json.decode(json)[1] -- with vim.NIL for null, as Neovim 0.12 has it
      vim.schedule(function()
        callback(nil, result)
      end)
      return true, id
    end,
    notify = function(method, params)
      table.insert(SENT, { method = method, params = params })
      if method == 'exit' then
        close(0, 0)
      end
    end,
    is_closing = function()
      return closing
    end,
    terminate = function()
      close(0, 15)
    end,
  }
end

vim.notify = function(sentence)
  table.insert(SAID, sentence)
end

function WAIT(seen, what)
  assert(vim.wait(60000, seen, 5), 'no ' .. what)
end

function WAIT_FOR_SERVER()
  WAIT(function()
    local client = require('homespun').client()
    return client and client.initialized and not client:is_stopped()
  end, 'server')
end

--- End the server of this buffer as if it had died.
function DIE(code, signal)
  require('homespun').client().rpc.die(code, signal)
end

--- Open a file of the workspace with the module set up.
function OPEN(file, options)
  require('homespun').setup(vim.tbl_extend('force', { cmd = FAKE }, options or {}))
  vim.cmd.edit(file)
  WAIT_FOR_SERVER()
end

--- From now on what is to happen in whole seconds happens when `LATER` says so; `CLOCK` is the time.
function HOLD_TIME()
  local defer, held = vim.defer_fn, {}
  CLOCK = 0
  vim.uv.now = function()
    return CLOCK
  end
  vim.defer_fn = function(run, ms)
    if ms == 0 or ms % 1000 ~= 0 then
      return defer(run, ms)
    end
    local timer = { ms = ms, run = run }
    function timer:is_closing()
      return not vim.list_contains(held, self)
    end
    function timer:close()
      held = vim.tbl_filter(function(it)
        return it ~= self
      end, held)
    end
    table.insert(held, timer)
    return timer
  end
  --- Do what is to happen; return after how many seconds, in order.
  function LATER()
    local due = held
    held = {}
    return vim.tbl_map(function(timer)
      CLOCK = CLOCK + timer.ms
      timer.run()
      return timer.ms / 1000
    end, due)
  end
end

--- Return the parameters of all messages of a method.
function SENT_OF(method)
  local found = {}
  for _, message in ipairs(SENT) do
    if message.method == method then
      table.insert(found, message.params)
    end
  end
  return found
end

--- Run a command and return the sentence that the user sees.
function SAY(command)
  local before = #SAID
  vim.cmd(command)
  WAIT(function()
    return #SAID > before
  end, 'message')
  return SAID[#SAID]
end

--- Run a command and return the lines of the float that it opens; it is closed unless kept.
function FLOAT(command, options)
  vim.cmd(command)
  local lines
  WAIT(function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then
        lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
        if not (options and options.keep) then
          vim.api.nvim_win_close(window, true)
        end
      end
    end
    return lines
  end, 'float')
  return lines
end

--- Run a command and return the quickfix list that it opens: title, places with their text.
function QUICKFIX(command)
  vim.fn.setqflist({}, 'f')
  vim.cmd(command)
  WAIT(function()
    return vim.bo.buftype == 'quickfix'
  end, 'quickfix window')
  vim.cmd.cclose()
  local list = vim.fn.getqflist({ title = true, items = true })
  local places = vim.tbl_map(function(it)
    local name = vim.fs.basename(vim.api.nvim_buf_get_name(it.bufnr))
    return ('%s:%d-%d %s'):format(name, it.lnum, it.end_lnum, it.text)
  end, list.items)
  return list.title, places
end

function EQUAL(found, expected)
  if not vim.deep_equal(found, expected) then
    error(('found %s, expected %s'):format(vim.inspect(found), vim.inspect(expected)), 2)
  end
end

local outcomes = {}

function TEST(name, run)
  ANSWERS, SENT, SAID = {}, {}, {}
  local passed, failure = xpcall(run, debug.traceback)
  outcomes[name] = passed and '' or failure
end

function REPORT()
  io.stdout:write(vim.json.encode(outcomes), '\n')
end
