"""Which standard header declares what this project uses of namespace std. A name that several declare stands under one of them."""

DECLARED_BY = {
    "algorithm": "max_element all_of any_of clamp copy equal erase_if fill find find_if for_each for_each_n generate lower_bound max min minmax "
                 "partition none_of pop_heap push_heap remove_if replace reverse sort transform upper_bound ranges",
    "array": "array to_array",
    "atomic": "atomic memory_order memory_order_acquire memory_order_relaxed memory_order_release",
    "bit": "bit_cast bit_ceil bit_width countr_zero endian",
    "bitset": "bitset",
    "charconv": "chars_format from_chars to_chars to_chars_result",
    "chrono": "chrono",
    "cmath": "fabs floor isfinite isinf isnan ldexp llround round signbit trunc",
    "compare": "strong_ordering",
    "concepts": "constructible_from convertible_to copy_constructible default_initializable derived_from floating_point integral "
                "invocable move_constructible same_as signed_integral totally_ordered unsigned_integral",
    "cstddef": "byte max_align_t nullptr_t ptrdiff_t size_t to_integer",
    "cstdint": "int8_t int16_t int32_t int64_t intptr_t uint8_t uint16_t uint32_t uint64_t uintptr_t",
    "cstdio": "fputs fwrite snprintf",
    "cstdlib": "abort free getenv realloc",
    "cstring": "memchr memcmp memcpy memmove strlen",
    "deque": "deque",
    "exception": "current_exception exception exception_ptr make_exception_ptr rethrow_exception",
    "filesystem": "filesystem",
    "fstream": "fstream",
    "functional": "equal_to function greater hash invoke less move_only_function ref reference_wrapper",
    "initializer_list": "initializer_list",
    "limits": "numeric_limits",
    "ios": "ios streamoff streamsize",
    "iterator": "back_inserter move_iterator next prev",
    "list": "list",
    "map": "map multimap",
    "memory": "addressof allocator allocator_traits construct_at destroy_at enable_shared_from_this make_shared make_unique "
              "make_unique_for_overwrite shared_ptr static_pointer_cast unique_ptr weak_ptr",
    "mutex": "lock_guard mutex once_flag recursive_mutex scoped_lock unique_lock",
    "new": "align_val_t bad_alloc launder",
    "coroutine": "coroutine_handle suspend_always",
    "numeric": "accumulate iota",
    "optional": "nullopt optional",
    "ostream": "ostream",
    "random": "minstd_rand mt19937 mt19937_64 random_device uniform_int_distribution uniform_real_distribution",
    "ranges": "views",
    "set": "multiset set",
    "source_location": "source_location",
    "span": "as_bytes span",
    "stdexcept": "invalid_argument length_error logic_error out_of_range runtime_error",
    "string": "u8string string to_string wstring",
    "string_view": "string_view",
    "system_error": "errc error_category error_code generic_category is_error_code_enum make_error_code system_error",
    "thread": "this_thread thread",
    "tuple": "apply forward_as_tuple make_tuple tie tuple tuple_cat tuple_element tuple_element_t tuple_size tuple_size_v",
    "type_traits": "conditional_t conjunction conjunction_v decay_t disjunction disjunction_v enable_if_t false_type "
                   "invoke_result invoke_result_t is_aggregate_v is_base_of_v is_class_v is_const_v is_constructible_v "
                   "is_convertible_v is_default_constructible_v is_enum_v is_function_v is_integral_v is_invocable_r_v is_invocable_v "
                   "is_lvalue_reference_v "
                   "is_pointer_v is_reference_v is_same_v is_trivially_destructible_v is_void is_void_v remove_const_t "
                   "remove_cvref_t remove_pointer_t remove_reference_t true_type type_identity type_identity_t underlying_type_t",
    "typeinfo": "type_info",
    "unordered_map": "unordered_map",
    "unordered_set": "unordered_set",
    "utility": "as_const declval exchange forward in_place in_place_index in_range index_sequence index_sequence_for "
               "make_index_sequence move pair swap unreachable",
    "variant": "get_if holds_alternative monostate variant variant_alternative_t variant_size_v visit",
    "vector": "vector",
}
# What every container declares.
EVERYWHERE = {"get", "erase", "ssize", "data", "size", "begin", "end"}

HEADER_OF = {name: header for header, names in DECLARED_BY.items() for name in names.split()}
