#pragma once

#include "submission.hpp"

#include <new>
#include <utility>

namespace communica::peer {

COMMUNICA_INLINE Turn turn_for(const asio::any_io_executor& executor) {
    const bool is_strand = base::target_of<asio::strand<asio::io_context::executor_type>>(executor) != nullptr;
    return Turn(is_strand ? ::operator new(turn_size) : nullptr);
}

[[gnu::noinline]] COMMUNICA_INLINE void submit(const asio::any_io_executor& executor, SubmissionPtr submission,
                                               CompletionMode mode) {
    using OnContext = asio::io_context::executor_type;
    if (const auto* const on_context = base::target_of<OnContext>(executor)) {
        submit<OnContext>(*on_context, std::move(submission), mode);
    } else if (const auto* const on_strand = base::target_of<asio::strand<OnContext>>(executor)) {
        submit<asio::strand<OnContext>>(*on_strand, std::move(submission), mode);
    } else {
        submit<asio::any_io_executor>(executor, std::move(submission), mode);
    }
}

}  // namespace communica::peer
