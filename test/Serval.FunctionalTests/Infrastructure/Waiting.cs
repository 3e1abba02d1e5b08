using System.Diagnostics;

namespace Serval.Testing;

/// <summary>Waits that end with what was seen last.</summary>
internal static class Waiting
{
    /// <summary>Asks until the gateway answers with the code: routes and instances reach the data plane a moment after they are stored.</summary>
    internal static async Task AnswersAsync(this ServalProcess serval, string service, int code)
    {
        var clock = Stopwatch.StartNew();
        var last = 0;
        while (clock.Elapsed < TimeSpan.FromSeconds(10))
        {
            (last, _) = await serval.InvokeAsync(service);
            if (last == code)
            {
                return;
            }
        }
        Assert.Fail($"{service} answers {last} where {code} was expected");
    }
}
