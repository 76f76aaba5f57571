; Captures are explained in captures.py.
(function_item name: (identifier) @name) @def.function
(function_signature_item name: (identifier) @name) @def.function
(struct_item name: (type_identifier) @name) @def.struct
(union_item name: (type_identifier) @name) @def.struct
(enum_item name: (type_identifier) @name) @def.enum
(enum_variant name: (identifier) @name) @def.constant
(trait_item name: (type_identifier) @name) @def.trait
(type_item name: (type_identifier) @name) @def.type
(associated_type name: (type_identifier) @name) @def.type
(const_item name: (identifier) @name) @def.constant
(static_item name: (identifier) @name) @def.constant
(macro_definition name: (identifier) @name) @def.macro
(impl_item type: (type_identifier) @name) @scope.type
(impl_item type: (generic_type type: (type_identifier) @name)) @scope.type
(impl_item type: (scoped_type_identifier name: (type_identifier) @name)) @scope.type
(impl_item type: (reference_type type: (type_identifier) @name)) @scope.type
(mod_item name: (identifier) @name body: (_)) @scope.namespace

(line_comment) @comment
(block_comment) @comment
(attribute_item) @lead

(call_expression function: (identifier) @call)
(call_expression function: (field_expression field: (field_identifier) @call))
(call_expression function: (scoped_identifier name: (identifier) @call))
(call_expression function: (generic_function function: (identifier) @call))
(call_expression function: (generic_function function: (scoped_identifier name: (identifier) @call)))
(call_expression
  function: (generic_function function: (field_expression field: (field_identifier) @call)))
(macro_invocation macro: (identifier) @call)
(struct_expression name: (type_identifier) @call (#not-eq? @call "Self"))

(use_declaration argument: (_) @import.tree)
(mod_item !body name: (identifier) @import.submodule)
