-- The init.lua of a person whose completions come over HTTP: llama.vim, or minuet-ai.nvim.
local clone, url = vim.env.HTTP_CLIENT, vim.env.HTTP_URL
vim.opt.runtimepath:prepend(clone)
vim.o.laststatus = 2
if clone:find('llama.vim', 1, true) then
  vim.g.llama_config = {
    endpoint_fim = url .. '/infill',
    api_key = vim.env.HTTP_TOKEN,
    show_info = 0,
  }
else
  require('minuet').setup({
    provider = 'openai_fim_compatible',
    n_completions = 1,
    throttle = 0,
    debounce = 100,
    request_timeout = 60,
    virtualtext = { auto_trigger_ft = { 'python' }, keymap = { accept = '<Tab>' } },
    provider_options = {
      openai_fim_compatible = {
        name = 'homespun',
        model = 'homespun',
        api_key = 'HTTP_TOKEN',
        end_point = url .. '/v1/completions',
        stream = true,
      },
    },
  })
end
