using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Hello;

// The contract of a Knative container: listen on $PORT, speak HTTP, end on SIGTERM.
var port = int.Parse(Environment.GetEnvironmentVariable("PORT") ?? "8080", CultureInfo.InvariantCulture);
var address = IPAddress.Parse(Environment.GetEnvironmentVariable("HOST") ?? "0.0.0.0");
var revision = Environment.GetEnvironmentVariable("K_REVISION") ?? "nowhere";

using var stop = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);

using var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);
listener.Bind(new IPEndPoint(address, port));
listener.Listen(512);

var server = new HelloServer(listener, $"Hello from {revision}\n");
var serving = server.RunAsync(stop.Token);
Console.WriteLine($"hello: listening on {address}:{port}");
await serving;

void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}
