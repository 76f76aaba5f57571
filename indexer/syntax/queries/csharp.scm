; Captures are explained in captures.py.
(class_declaration name: (identifier) @name) @def.class
(struct_declaration name: (identifier) @name) @def.struct
(record_declaration name: (identifier) @name) @def.class
(interface_declaration name: (identifier) @name) @def.interface
(enum_declaration name: (identifier) @name) @def.enum
(enum_member_declaration name: (identifier) @name) @def.constant
(delegate_declaration name: (identifier) @name) @def.type
(method_declaration name: (identifier) @name) @def.method
(constructor_declaration name: (identifier) @name) @def.method
(local_function_statement name: (identifier) @name) @def.function
(property_declaration name: (identifier) @name) @def.property
(field_declaration (modifier) @_m
  (variable_declaration (variable_declarator name: (identifier) @name))
  (#eq? @_m "const")) @def.constant
(field_declaration (modifier) @_s . (modifier) @_m
  (variable_declaration (variable_declarator name: (identifier) @name))
  (#eq? @_s "static") (#eq? @_m "readonly")) @def.constant
(event_field_declaration
  (variable_declaration (variable_declarator name: (identifier) @name))) @def.property
(event_declaration name: (identifier) @name) @def.property
(indexer_declaration "this" @name) @def.property

(comment) @comment

(invocation_expression function: (identifier) @call)
(invocation_expression function: (generic_name (identifier) @call))
(invocation_expression function: (member_access_expression name: (identifier) @call))
(invocation_expression
  function: (member_access_expression name: (generic_name (identifier) @call)))
(invocation_expression
  function: (conditional_access_expression (member_binding_expression name: (identifier) @call)))
(object_creation_expression type: (identifier) @call)
(object_creation_expression type: (generic_name (identifier) @call))

(using_directive) @import.statement
