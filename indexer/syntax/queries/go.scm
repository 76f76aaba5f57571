; Captures are explained in captures.py.
(function_declaration name: (identifier) @name) @def.function
(method_declaration
  receiver: (parameter_list (parameter_declaration type: [
    (type_identifier) @owner
    (generic_type type: (type_identifier) @owner)
    (pointer_type (type_identifier) @owner)
    (pointer_type (generic_type type: (type_identifier) @owner))]))
  name: (field_identifier) @name) @def.method

; In a group, `type ( … )`, the node is the one specification; alone it is the whole declaration.
(type_declaration "(" (type_spec name: (type_identifier) @name
  type: (struct_type (field_declaration_list) @body)) @def.struct)
(type_declaration "(" (type_spec name: (type_identifier) @name
  type: (interface_type "{" @body)) @def.interface)
(type_declaration "(" (type_spec name: (type_identifier) @name) @def.type)
(type_declaration "(" (type_alias name: (type_identifier) @name) @def.type)
(type_declaration (type_spec name: (type_identifier) @name
  type: (struct_type (field_declaration_list) @body))) @def.struct
(type_declaration (type_spec name: (type_identifier) @name
  type: (interface_type "{" @body))) @def.interface
(type_declaration (type_spec name: (type_identifier) @name)) @def.type
(type_declaration (type_alias name: (type_identifier) @name)) @def.type
(method_elem name: (field_identifier) @name) @def.method

(source_file (const_declaration "(" (const_spec name: (identifier) @name) @def.constant))
(source_file (const_declaration (const_spec name: (identifier) @name)) @def.constant)
(source_file (var_declaration (var_spec_list (var_spec name: (identifier) @name) @def.variable)))
(source_file (var_declaration (var_spec name: (identifier) @name)) @def.variable)

(comment) @comment

(call_expression function: (identifier) @call)
(call_expression function: (selector_expression field: (field_identifier) @call))

(import_spec name: (_)? @import.alias path: (_) @import.module)
