; Captures are explained in captures.py.
(class name: (_) @name) @def.class
(module name: (_) @name) @def.module
(method name: (_) @name) @def.function
(singleton_method name: (_) @name) @def.method
(alias name: (_) @name) @def.function
(call method: (identifier) @_m arguments: (argument_list (simple_symbol) @name)
  (#any-of? @_m "attr_reader" "attr_writer" "attr_accessor")) @def.property
(call method: (identifier) @_m arguments: (argument_list . (simple_symbol) @name)
  (#any-of? @_m "alias_method" "define_method" "scope")) @def.function
(assignment left: (constant) @name) @def.constant

(comment) @comment

(call method: (identifier) @call (#not-match? @call "^(require|require_relative|load|autoload|attr_(reader|writer|accessor)|alias_method|define_method)$"))
(call method: (constant) @call)

(call method: (identifier) @_m arguments: (argument_list . (string (string_content) @import.module))
  (#any-of? @_m "require" "load"))
(call method: (identifier) @_m arguments: (argument_list .
  (simple_symbol) @import.alias . (string (string_content) @import.module))
  (#eq? @_m "autoload"))
(call method: (identifier) @_m arguments: (argument_list . (string (string_content) @import.relative))
  (#eq? @_m "require_relative"))
