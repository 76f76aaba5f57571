-- The tests of `:Homespun`, in one Neovim; tests/e2e/test_neovim_commands.py runs them.
dofile(vim.env.HOMESPUN_NVIM_FAKE)
local homespun = require('homespun')

TEST('the client announces that it understands homespun/status', function()
  OPEN('demo.py', { disabled_filetypes = { 'markdown' } })
  EQUAL(INITIALIZE.capabilities.experimental.homespun, { status = true })
  EQUAL(INITIALIZE.rootUri, vim.uri_from_fname(vim.uv.cwd()))
end)

TEST('the status line follows homespun/status', function()
  EQUAL(homespun.status(), 'homespun: starting')
  local heard = 0
  vim.api.nvim_create_autocmd('User', {
    pattern = 'HomespunStatus',
    callback = function()
      heard = heard + 1
    end,
  })
  local function tell(state)
    local before = heard
    DISPATCHERS.notification('homespun/status', state)
    WAIT(function()
      return heard > before
    end, 'status')
    return homespun.status()
  end
  EQUAL(tell({ state = 'indexing', message = '', percent = 43 }), 'homespun: indexing 43 %')
  EQUAL(tell({ state = 'loading model', message = '', percent = vim.NIL }), 'homespun: loading model')
  EQUAL(tell({ state = 'paused', message = '' }), 'homespun: paused')
  local noon = os.time({ year = 2026, month = 5, day = 4, hour = 12, min = 5 })
  EQUAL(
    tell({ state = 'paused', message = '', pausedUntil = noon + 0.5 }),
    'homespun: paused until 12:05'
  )
  EQUAL(tell({ state = 'problem', message = 'no model' }), 'homespun: problem')
  EQUAL(homespun.state().message, 'no model')
  EQUAL(tell({ state = 'ready', message = '' }), 'homespun')
end)

TEST('sources go to the quickfix list with their lines and previews', function()
  ANSWERS['homespun.showSources'] = {
    {
      path = 'pkg/net.py',
      start_line = 3,
      end_line = 9,
      score = 1,
      uri = vim.uri_from_fname(vim.uv.cwd() .. '/pkg/net.py'),
      preview = 'def send(packet):',
    },
  }
  local title, places = QUICKFIX('Homespun sources')
  EQUAL(title, 'Sources of the last suggestion')
  EQUAL(places, { 'net.py:3-9 def send(packet):' })
  EQUAL(SENT_OF('workspace/executeCommand'), { { command = 'homespun.showSources' } })
end)

TEST('a suggestion without sources is a sentence', function()
  ANSWERS['homespun.showSources'] = {}
  EQUAL(
    SAY('Homespun sources'),
    'Homespun: the last suggestion was made without other code; :Homespun why says more'
  )
end)

TEST('why says the sentence, the sources and the times', function()
  ANSWERS['homespun.why'] = {
    shown = true,
    sentence = 'Written by m as shipped.',
    reason = 'newline',
    details = {
      sources = { { path = 'a.py', start_line = 2, end_line = 4, preview = 'def f():' } },
      timings_ms = { total = 12.4, retrieve = 3 },
    },
  }
  EQUAL(
    FLOAT('Homespun why'),
    { 'Written by m as shipped.', 'a.py:2-4    def f():', 'retrieve 3 ms, total 12 ms' }
  )
end)

TEST('why nothing says the reason alone', function()
  local sentence = 'Nothing: 12 characters stand right of the cursor.'
  ANSWERS['homespun.why'] = { shown = false, sentence = sentence, reason = 'filtered:x', details = {} }
  EQUAL(FLOAT('Homespun why'), { sentence })
end)

TEST('a search asks for the folder of the document and lists its hits', function()
  local asked
  ANSWERS['homespun.search'] = function(query, options)
    asked = { query, options }
    local uri = vim.uri_from_fname(vim.uv.cwd() .. '/pkg/net.py')
    local hit = { uri = uri, start_line = 1, end_line = 2, symbol = 'send', text = '\n  def send\n' }
    return { hits = { hit, vim.tbl_extend('force', hit, { symbol = '', start_line = 7 }) }, message = '' }
  end
  local title, places = QUICKFIX('Homespun search open a socket ')
  EQUAL(title, 'Homespun search: open a socket')
  EQUAL(places, { 'net.py:1-2 send', 'net.py:7-2 def send' })
  EQUAL(asked, { 'open a socket', { uri = vim.uri_from_bufnr(0) } })
end)

TEST('a search from a list goes through all folders', function()
  ANSWERS['homespun.search'] = { hits = {}, message = 'nothing is like it' }
  vim.cmd.copen()
  EQUAL(SAY('Homespun search x'), 'Homespun: nothing is like it')
  vim.cmd.cclose()
  local asked = { command = 'homespun.search', arguments = { 'x' } }
  EQUAL(SENT_OF('workspace/executeCommand'), { asked })
end)

TEST('a search that finds nothing says so', function()
  ANSWERS['homespun.search'] = { hits = {}, message = 'nothing is like it' }
  EQUAL(SAY('Homespun search x'), 'Homespun: nothing is like it')
end)

TEST('a search without a question asks for one', function()
  local prompts = {}
  vim.ui.input = function(options, answer)
    table.insert(prompts, options.prompt)
    answer(nil) -- Escape
  end
  vim.cmd('Homespun search')
  EQUAL(prompts, { 'Search the repository: ' })
  EQUAL(SENT, {})
end)

TEST('a float takes the place of the one before', function()
  ANSWERS['homespun.why'] = { sentence = 'first' }
  FLOAT('Homespun why', { keep = true })
  ANSWERS['homespun.why'] = { sentence = 'second' }
  WAIT(function()
    return FLOAT('Homespun why', { keep = true })[1] == 'second'
  end, 'second float')
  FLOAT('Homespun why')
end)

local problem = {
  state = 'problem',
  message = "model 'm' is not here",
  fix = { title = 'Fetch the model (398 MB)', command = 'homespun.fetchModel', arguments = {} },
  model = 'm',
  adapter = 'champion',
  folders = { { root = '/a', state = 'ready', message = '' } },
}

TEST('status shows the problem and its fix', function()
  ANSWERS['homespun.status'] = problem
  EQUAL(FLOAT('Homespun'), {
    'problem',
    "model 'm' is not here",
    ':Homespun fix    Fetch the model (398 MB)',
    'model m, adapter champion',
    '/a    ready',
  })
end)

TEST('status shows how old the adapter is, where the server says so', function()
  for age, shown in pairs({ [vim.NIL] = false, [{ sentence = 'learned today' }] = true }) do
    ANSWERS['homespun.status'] = vim.tbl_extend('force', problem, { adapterAge = age })
    EQUAL(vim.list_contains(FLOAT('Homespun'), 'learned today'), shown)
  end
end)

TEST('fix runs the command that the status names', function()
  ANSWERS['homespun.status'] = problem
  ANSWERS['homespun.fetchModel'] = {}
  EQUAL(
    SAY('Homespun fix'),
    'Homespun: Fetch the model (398 MB): begun; :Homespun status shows how it goes'
  )
  EQUAL(SENT_OF('workspace/executeCommand')[2], { command = 'homespun.fetchModel' })
end)

TEST('nothing is run where there is nothing to fix', function()
  ANSWERS['homespun.status'] = { state = 'ready', message = '', fix = vim.NIL }
  EQUAL(SAY('Homespun fix'), 'Homespun: there is nothing to fix: ready')
  EQUAL(#SENT_OF('workspace/executeCommand'), 1)
end)

TEST('pause takes minutes', function()
  local noon = os.time({ year = 2026, month = 5, day = 4, hour = 12, min = 5 })
  ANSWERS['homespun.pause'] = { state = 'paused', message = '', pausedUntil = noon }
  EQUAL(SAY('Homespun pause 60'), 'Homespun: paused until 12:05')
  EQUAL(
    SENT_OF('workspace/executeCommand'),
    { { command = 'homespun.pause', arguments = { 60 } } }
  )
end)

TEST('pause without minutes lasts until resume', function()
  ANSWERS['homespun.pause'] = {
    state = 'paused',
    message = 'paused until it is resumed',
    pausedUntil = vim.NIL,
  }
  EQUAL(SAY('Homespun pause'), 'Homespun: paused until it is resumed')
  EQUAL(SENT_OF('workspace/executeCommand'), { { command = 'homespun.pause' } })
  ANSWERS['homespun.resume'] = { state = 'ready', message = '' }
  EQUAL(SAY('Homespun resume'), 'Homespun: ready')
end)

TEST('pause refuses what is no number', function()
  EQUAL(
    SAY('Homespun pause long'),
    "Homespun: 'long' is no number of minutes; give none to pause until :Homespun resume"
  )
  EQUAL(SENT, {})
end)

TEST('the chosen adapter becomes the setting', function()
  ANSWERS['homespun.adapters'] = {
    serving = 'none',
    setting = 'champion',
    message = '',
    choices = {
      { id = 'champion', detail = 'none is promoted yet', fits = true, why = '' },
      { id = 'abc', detail = '', fits = false, why = 'made for another model' },
    },
  }
  local shown = {}
  vim.ui.select = function(choices, options, chosen)
    shown = vim.tbl_map(options.format_item, choices)
    chosen(choices[1])
  end
  EQUAL(
    SAY('Homespun adapters'),
    'Homespun: adapter champion until Neovim closes; '
      .. 'adapter = "champion" under [completion] in homespun.toml keeps it'
  )
  EQUAL(shown, {
    'champion    none is promoted yet',
    'abc    does not fit: made for another model',
  })
  EQUAL(
    SENT_OF('workspace/didChangeConfiguration'),
    { { settings = { homespun = { completion = { adapter = 'champion' } } } } }
  )
end)

TEST('no report is a sentence', function()
  ANSWERS['homespun.report'] = { uri = vim.NIL, message = 'no training has written a report here yet' }
  EQUAL(SAY('Homespun report'), 'Homespun: no training has written a report here yet')
end)

TEST('reindex is confirmed', function()
  EQUAL(SAY('Homespun reindex'), 'Homespun: every file is looked at again')
  EQUAL(SENT_OF('workspace/executeCommand'), { { command = 'homespun.reindex' } })
end)

TEST('what an older server does not know is a sentence', function()
  EQUAL(
    SAY('Homespun acceptance'),
    "Homespun: the server does not know 'homespun.acceptance'; install a newer homespun"
  )
  EQUAL(SENT, {})
end)

TEST('acceptance lists the groups that have figures', function()
  table.insert(
    homespun.client().server_capabilities.executeCommandProvider.commands,
    'homespun.acceptance'
  )
  local share = { hits = 30, of = 120, share = 0.25, low = 0.181, high = 0.334 }
  ANSWERS['homespun.acceptance'] = {
    message = '30 of 120 suggestions were accepted',
    groups = {
      { by = 'all', value = 'all', accepted = share },
      { by = 'kind', value = 'block', accepted = { hits = 0, of = 0, share = vim.NIL } },
    },
  }
  EQUAL(FLOAT('Homespun acceptance'), {
    '30 of 120 suggestions were accepted',
    ('%-20s accepted 30 of 120, 25 %% (18-33)'):format('all'),
  })
end)

TEST('a failed command is its own sentence', function()
  for verb, command in pairs({ why = 'why', sources = 'showSources', status = 'status' }) do
    local sentence = command .. ' failed (ValueError); the log says more'
    ANSWERS['homespun.' .. command] = { message = sentence }
    EQUAL(SAY('Homespun ' .. verb), 'Homespun: ' .. sentence)
  end
end)

TEST('an unknown verb is a sentence', function()
  EQUAL(SAY('Homespun x'), "Homespun: there is no 'x'; :Homespun and Tab lists what there is")
end)

TEST('verbs are completed', function()
  EQUAL(vim.fn.getcompletion('Homespun re', 'cmdline'), { 'reindex', 'report', 'restart', 'resume' })
  EQUAL(vim.fn.getcompletion('Homespun search r', 'cmdline'), {})
end)

TEST('log opens the log of the language servers', function()
  vim.cmd('Homespun log')
  EQUAL(vim.api.nvim_buf_get_name(0), vim.lsp.log.get_filename())
  vim.cmd.tabclose()
end)

TEST('an option that does not exist is a sentence', function()
  OPEN('demo.py', { disabled_filetypes = { 'markdown' }, keyz = {} })
  EQUAL(SAID, { "homespun: there is no option 'keyz'; it is ignored" })
end)

TEST('a disabled file type gets no server', function()
  vim.cmd.edit('notes.md')
  EQUAL(vim.bo.filetype, 'markdown')
  vim.wait(50)
  EQUAL(homespun.client(), nil)
  EQUAL(homespun.status(), '')
end)

TEST('parts of a suggestion: words with what is before them, lines with their break', function()
  local first = require('homespun.accept').first
  EQUAL(first('foo_1(bar)', 'word'), 'foo_1')
  EQUAL(first(' (x', 'word'), ' (')
  EQUAL(first('  né 名', 'word'), '  né')
  EQUAL(first('\n    return x', 'word'), '\n    return')
  EQUAL(first('  ', 'word'), '  ')
  EQUAL(first('a = 1\n  b', 'line'), 'a = 1')
  EQUAL(first('\n  b\nc', 'line'), '\n  b')
  EQUAL(first('a\nb', 'all'), 'a\nb')
end)

HOLD_TIME()

--- The server dies; return after how many seconds it is started again, nil where it is not.
local function die(code, signal)
  DIE(code, signal)
  WAIT(homespun.fallen, 'news of the death')
  return LATER()[1]
end

local gave_up = 'Homespun: the server died five times; :Homespun restart starts it again'
local why_gave_up = 'Homespun: the server failed five times in three minutes and is not started again; '
  .. 'the last time it ended with code 3; :Homespun restart starts it'

TEST('a server that died is started again, five times in three minutes', function()
  OPEN('demo.py')
  DIE(0, 9)
  WAIT(homespun.fallen, 'news of the death')
  EQUAL(homespun.status(), 'homespun: starting')
  EQUAL(homespun.state().message, 'the server ended by signal 9 and is started again in 1 s')
  EQUAL(SAY('Homespun why'), 'Homespun: ' .. homespun.state().message)
  EQUAL(LATER(), { 1 })
  WAIT_FOR_SERVER()
  EQUAL(homespun.status(), 'homespun: starting') -- until it says something
  DISPATCHERS.notification('homespun/status', { state = 'ready', message = '' })
  WAIT(function()
    return homespun.status() == 'homespun'
  end, 'status')
  for _, seconds in ipairs({ 2, 4, 8 }) do
    EQUAL(die(0, 9), seconds)
    WAIT_FOR_SERVER()
  end
  EQUAL(die(3, 0), nil)
  assert(vim.list_contains(SAID, gave_up), vim.inspect(SAID))
  EQUAL(homespun.status(), 'homespun: problem')
  EQUAL(SAY('Homespun why'), why_gave_up)
end)

TEST('a file that is opened then waits with the others for :Homespun restart', function()
  local before = vim.api.nvim_get_current_buf()
  vim.cmd.edit('other.py')
  vim.wait(50)
  EQUAL(homespun.client(), nil)
  EQUAL(homespun.status(), 'homespun: problem')
  EQUAL(SAY('Homespun restart'), 'Homespun: the server is started again')
  WAIT_FOR_SERVER()
  EQUAL(homespun.client(before), homespun.client())
  LATER() -- those that ran were asked to end
  EQUAL(die(0, 9), 1) -- former deaths do not count
  WAIT_FOR_SERVER()
end)

TEST('what was chosen for the session holds after a death', function()
  homespun.configure(homespun.client(), 'completion', { adapter = 'abc' })
  SENT = {}
  EQUAL(die(0, 9), 2)
  WAIT_FOR_SERVER()
  EQUAL(
    SENT_OF('workspace/didChangeConfiguration'),
    { { settings = { homespun = { completion = { adapter = 'abc' } } } } }
  )
end)

TEST('a death of more than three minutes ago does not count', function()
  CLOCK = CLOCK + 3 * 60 * 1000
  EQUAL(die(0, 9), 1)
  WAIT_FOR_SERVER()
end)

TEST('restart ends a server that runs and starts it', function()
  local before = homespun.client()
  vim.cmd('Homespun restart')
  EQUAL(LATER()[1], 3) -- it has that long to end
  WAIT_FOR_SERVER()
  assert(homespun.client() ~= before)
end)

TEST('a server that somebody stops stays so', function()
  local buffer = vim.api.nvim_get_current_buf()
  homespun.client():stop()
  WAIT(function()
    return not homespun.client(buffer)
  end, 'end of the server')
  vim.wait(50)
  EQUAL(LATER(), {})
  EQUAL(homespun.status(), '')
end)

TEST('without a server a command says where to look', function()
  vim.lsp.get_clients = function()
    return {}
  end
  EQUAL(SAY('Homespun why'), 'Homespun: no server runs; :checkhealth homespun says why')
end)

REPORT()
