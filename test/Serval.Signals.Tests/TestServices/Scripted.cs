using System.Threading.Channels;
using Microsoft.AspNetCore.Http;

namespace Serval.Signals.Tests;

/// <summary>An endpoint that sends what the test says, and nothing by itself.</summary>
internal sealed class Scripted(string path) : ISignalEndpoint
{
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly Channel<bool> _came = Channel.CreateUnbounded<bool>();
    private int _open;

    public string Path => path;

    public int Open => Volatile.Read(ref _open);

    /// <summary>To one reader, whoever is there.</summary>
    public void Send(string line) => _lines.Writer.TryWrite(line + "\n");

    /// <summary>Ends with the next reader that comes.</summary>
    public Task CameAsync() => _came.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(20));

    public async Task AnswerAsync(HttpContext http)
    {
        Interlocked.Increment(ref _open);
        try
        {
            await http.Response.StartAsync(http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
            _came.Writer.TryWrite(true);
            await foreach (var line in _lines.Reader.ReadAllAsync(http.RequestAborted))
            {
                if (line == "end\n")
                {
                    return;
                }
                await http.Response.WriteAsync(line, http.RequestAborted);
                await http.Response.Body.FlushAsync(http.RequestAborted);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }
}
