using System.Diagnostics;

namespace Serval.Testing;

/// <summary>Waits that end with what was seen last.</summary>
internal static class Waiting
{
    /// <summary>Asks until the gateway answers with the code: routes and instances reach the data plane a moment after they are stored.</summary>
    internal static Task AnswersAsync(this ServalProcess serval, string service, int code) => serval.HostAnswersAsync($"{service}.default.localhost", code);

    /// <summary>The same of a host.</summary>
    internal static async Task HostAnswersAsync(this ServalProcess serval, string host, int code)
    {
        var clock = Stopwatch.StartNew();
        var last = 0;
        while (clock.Elapsed < TimeSpan.FromSeconds(10))
        {
            (last, _) = await RawHttp.GetAsync(serval.GatewayPort, host, "/", CancellationToken.None);
            if (last == code)
            {
                return;
            }
        }
        Assert.Fail($"{host} answers {last} where {code} was expected");
    }
}
