# What is there and what is left out, why, and what to install for it: said once, at the end.

# summarise(PART STATE WHY)
function(summarise part state why)
  string(SUBSTRING "${part} ....................................." 0 26 part)
  set_property(GLOBAL APPEND PROPERTY communica_summary "  ${part} ${state}: ${why}")
endfunction()

function(print_summary)
  get_property(summary GLOBAL PROPERTY communica_summary)
  message(STATUS "communica ${PROJECT_VERSION}")
  foreach(line IN LISTS summary)
    message(STATUS "${line}")
  endforeach()
endfunction()
