# Copies the installation in FROM to TO, as if it had been made without PART.
file(REMOVE_RECURSE "${TO}")
file(COPY "${FROM}/" DESTINATION "${TO}")
file(GLOB_RECURSE targets "${TO}/*/communica_${PART}Targets*.cmake")
file(REMOVE ${targets})
