using Serval.ApiServer.Certificates;
using Serval.ApiServer.Discovery;

namespace Serval.ApiServer.Http;

/// <summary>One step on a request's way: it answers, refuses by an <see cref="Api.ApiException"/>, or hands on to the step after it.</summary>
internal delegate Task RequestStep(ApiRequest request);

/// <summary>The way of a request, in the order of upstream's (apiserver: server/config.go, DefaultBuildHandlerChain).</summary>
internal static class RequestSteps
{
    public static RequestStep Compose(ApiServerOptions options, Authenticator authenticator, DiscoveryHandler discovery, ResourceDispatcher resources)
    {
        RequestStep last = request => DiscoveryHandler.Owns(request.Path) ? discovery.GetAsync(request.Http) : resources.HandleAsync(request);
        var administrators = AdministratorsOnly(last);
        var bounded = new InFlight(options.MaxReads, options.MaxWrites, administrators);
        var authenticated = Authenticated(authenticator, bounded.RunAsync);
        var limited = new RequestDeadline(options.TimeProvider, authenticated);
        return OpenToAll(limited.RunAsync);
    }

    private static RequestStep OpenToAll(RequestStep next)
    {
        var version = VersionDocument.Create();
        return request => request.Path switch
        {
            "/version" => Reply.JsonAsync(request.Http, 200, version.Json),
            var path when IsHealth(path) => Reply.TextAsync(request.Http, 200, "ok"),
            _ => next(request),
        };
    }

    private static RequestStep Authenticated(Authenticator authenticator, RequestStep next) => request =>
    {
        request.User = authenticator.Authenticate(request.Http) ?? throw Failures.Unauthorized();
        return next(request);
    };

    private static RequestStep AdministratorsOnly(RequestStep next) => request =>
        request.User.IsAdmin ? next(request) : throw Failures.Forbidden(request.User.Name, request.Method, request.Path);

    private static bool IsHealth(string path) =>
        path is "/healthz" or "/livez" or "/readyz" || path.StartsWith("/livez/", StringComparison.Ordinal)
        || path.StartsWith("/readyz/", StringComparison.Ordinal) || path.StartsWith("/healthz/", StringComparison.Ordinal);
}
