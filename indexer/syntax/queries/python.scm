; Captures are explained in captures.py.
(function_definition name: (identifier) @name) @def.function
(class_definition name: (identifier) @name) @def.class
(type_alias_statement left: (type (identifier) @name)) @def.type
(type_alias_statement left: (type (generic_type (identifier) @name))) @def.type
(module (expression_statement (assignment left: (identifier) @name)) @def.variable)
(module
  (expression_statement (assignment left: (pattern_list (identifier) @name))) @def.variable)
(module
  (if_statement (block
    (expression_statement (assignment left: (identifier) @name)) @def.variable)))
(module
  (try_statement (block
    (expression_statement (assignment left: (identifier) @name)) @def.variable)))
(class_definition body: (block (expression_statement (assignment
  left: (identifier) @name (#match? @name "^[A-Z][A-Z0-9_]+$"))) @def.constant))

(block . (expression_statement . (string) @doc))
(comment) @comment
(decorator) @lead

(call function: (identifier) @call)
(call function: (attribute attribute: (identifier) @call))

(import_statement name: (dotted_name) @import.module)
(import_statement
  name: (aliased_import name: (dotted_name) @import.module alias: (identifier) @import.alias))
(import_from_statement module_name: (_) @import.module name: (dotted_name) @import.name)
(import_from_statement module_name: (_) @import.module
  name: (aliased_import name: (dotted_name) @import.name alias: (identifier) @import.alias))
(import_from_statement module_name: (_) @import.module (wildcard_import) @import.name)
