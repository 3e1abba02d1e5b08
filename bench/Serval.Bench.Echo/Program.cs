using System.Globalization;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Serval.Bench.Echo;

// The program of the rollout bench and of the functional tests: GET / says which revision and pod answers, /echo is a WebSocket that says its pod and
// then repeats what it hears; Behaviors are the rest. PROTOCOL=h2c makes it speak HTTP/2 without TLS. On SIGTERM it closes its sockets (1001) and
// answers what has begun.
var builder = WebApplication.CreateSlimBuilder(args);
builder.Logging.ClearProviders();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MinRequestBodyDataRate = null); // who streams may take his time
builder.WebHost.ConfigureKestrel(kestrel => kestrel.ListenAnyIP(
    int.Parse(Environment.GetEnvironmentVariable("PORT") ?? "8080", CultureInfo.InvariantCulture),
    listen => listen.Protocols = Environment.GetEnvironmentVariable("PROTOCOL") == "h2c" ? HttpProtocols.Http2 : HttpProtocols.Http1));
await using var app = builder.Build();
app.UseWebSockets();
var pod = Environment.GetEnvironmentVariable("HOSTNAME") ?? "";
var answer = $"{Environment.GetEnvironmentVariable("K_REVISION")} {pod}\n";
app.MapGet("/", context =>
{
    context.Response.ContentLength = answer.Length;
    return context.Response.WriteAsync(answer);
});
app.Map("/echo", async context =>
{
    using var socket = await context.WebSockets.AcceptWebSocketAsync();
    await socket.SendAsync(Encoding.UTF8.GetBytes(pod), WebSocketMessageType.Text, endOfMessage: true, context.RequestAborted);
    await using var goodbye = app.Lifetime.ApplicationStopping.Register(() => _ = CloseAsync(socket));
    var buffer = new byte[1024];
    try
    {
        while (await socket.ReceiveAsync(buffer, context.RequestAborted) is { MessageType: not WebSocketMessageType.Close } message)
        {
            if (message.Count > 0) // an empty message is heard and not answered
            {
                await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
            }
        }
        await CloseAsync(socket);
    }
    catch (Exception e) when (e is WebSocketException or OperationCanceledException)
    {
        // the client went away, or the socket was closed between hearing and repeating
    }
});
new Behaviors().Map(app);
await app.RunAsync();

static async Task CloseAsync(WebSocket socket)
{
    try
    {
        await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, "the program ends", CancellationToken.None);
    }
    catch (Exception e) when (e is WebSocketException or ObjectDisposedException)
    {
        // closed already
    }
}
