// The module `communica`: the public names of communica/communica.hpp. It exports neither Asio nor macros; COMMUNICA_MODEL and
// COMMUNICA_ENUM need communica/serializers/model.hpp.
module;

#include <communica/communica.hpp>

export module communica;

export namespace communica {

// ---- entities

using communica::BackoffOptions;
using communica::Client;
using communica::ClientInfo;
using communica::ClientOptions;
using communica::ConnectOptions;
using communica::Context;
using communica::Counters;
using communica::Gauge;
using communica::Hello;
using communica::Histogram;
using communica::HistogramBuckets;
using communica::HistogramSnapshot;
using communica::Introspection;
using communica::Limits;
using communica::Log;
using communica::LogLevel;
using communica::no_log;
using communica::RouteClient;
using communica::RoutePeer;
using communica::RouteServer;
using communica::Server;
using communica::ServerOptions;
using communica::SimpleClient;
using communica::SimplePeer;
using communica::SimpleServer;

// ---- handlers and requests

using communica::AnyRoute;
using communica::Asking;
using communica::AskingEnd;
using communica::AskingInterceptor;
using communica::handler;
using communica::Header;
using communica::Hook;
using communica::Interceptor;
using communica::join;
using communica::NextHandler;
using communica::on_executor;
using communica::OnProgress;
using communica::Priority;
using communica::RequestOptions;
using communica::Route;
using communica::RouteRequests;
using communica::RouteRequestsWith;
using communica::RouteTable;
using communica::SimpleRequests;
using communica::SimpleRequestsWith;
using communica::with_signature;

// ---- streams

using communica::Duplex;
using communica::Gaps;
using communica::Published;
using communica::resume_token;
using communica::SlowSubscriber;
using communica::Stream;
using communica::StreamWriter;
using communica::Subscription;
using communica::Topic;
using communica::TopicOptions;
using communica::Upload;

// ---- connectors

using communica::AnyConnector;
using communica::AnyConnectorOf;
using communica::Budget;
using communica::BudgetReservation;
using communica::Connection;
using communica::ConnectionFactory;
using communica::ConnectionOptions;
using communica::Connector;
using communica::Credentials;
using communica::DescriptorConnector;
using communica::DescriptorOptions;
using communica::Listener;
using communica::ListenerFactory;
using communica::Gathering;
using communica::local_directory;
using communica::LocalConnector;
using communica::LocalOptions;
using communica::max_stream_message;
using communica::MemoryConnector;
using communica::Message;
using communica::PythonPlace;
using communica::Receiver;
using communica::ReceiverTurn;
using communica::Room;
using communica::send_classes;
using communica::SendClass;
using communica::counted_as;
using communica::TcpConnector;
using communica::UnsentMessage;

// ---- values and serializers

using communica::as_bytes;
using communica::as_text;
using communica::Buffer;
using communica::Bytes;
using communica::BytesSerializer;
using communica::CborSerializer;
#if !defined(_WIN32)
using communica::Descriptor;
#endif
using communica::Dumps;
using communica::Enumerators;
using communica::enumerators;
using communica::Field;
using communica::field;
using communica::JsonSerializer;
using communica::Loads;
using communica::Model;
using communica::model;
using communica::MsgpackSerializer;
using communica::Nothing;
using communica::OwnedJson;
using communica::Serializer;
using communica::Type;

// ---- errors

using communica::errc;
using communica::Error;
using communica::error_category;
using communica::make_error_code;
using communica::MessageError;
using communica::RequesterError;
using communica::ResponderError;
using communica::Result;
using communica::result;
using communica::RouteOverrideError;
using communica::SerializerError;
using communica::UnknownError;
using communica::operator==;

// ---- with Asio

using communica::as_tuple;
using communica::default_token;
using communica::executor_of;
using communica::ExecutorSource;
using communica::no_throw;
using communica::throw_error;

using communica::version;

}  // namespace communica
