namespace Serval.Bench.Echo;

/// <summary>What a program may do with a request; none of it looks at a clock: the caller decides how long it lasts.</summary>
internal sealed class Behaviors
{
    private readonly SemaphoreSlim _next = new(0);
    private int _inside;

    internal void Map(WebApplication app)
    {
        app.Map("/headers", Headers);
        app.Map("/alone", AloneAsync);
        app.Map("/hang", HangAsync);
        app.Map("/events", EventsAsync);
        app.Map("/next", Next);
        app.Map("/repeat", RepeatAsync);
        app.Map("/grpc/{call}", RepeatAsync);
    }

    /// <summary>The request's protocol and headers, a line each.</summary>
    private static Task Headers(HttpContext context) =>
        context.Response.WriteAsync(string.Concat(context.Request.Headers.Select(h => $"{h.Key}: {h.Value}\n").Prepend($"{context.Request.Protocol}\n")));

    /// <summary>500 when another one is there; each lets others run a while.</summary>
    private async Task AloneAsync(HttpContext context)
    {
        var inside = Interlocked.Increment(ref _inside);
        for (var i = 0; i < 100; i++)
        {
            await Task.Yield();
        }
        context.Response.StatusCode = inside == 1 && Volatile.Read(ref _inside) == 1 ? 200 : 500;
        await context.Response.WriteAsync("\n");
        Interlocked.Decrement(ref _inside);
    }

    /// <summary>No end, and no beginning either unless the query asks for one.</summary>
    private static async Task HangAsync(HttpContext context)
    {
        if (context.Request.QueryString.HasValue)
        {
            await context.Response.WriteAsync("begun\n");
            await context.Response.Body.FlushAsync();
        }
        var end = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var gone = context.RequestAborted.Register(end.SetResult);
        await end.Task;
    }

    /// <summary>Server-sent events: one at once, one for each <c>/next</c>, three in all.</summary>
    private async Task EventsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        for (var i = 1; i <= 3; i++)
        {
            await context.Response.WriteAsync($"data: {i}\n\n");
            await context.Response.Body.FlushAsync();
            if (i < 3)
            {
                await _next.WaitAsync(context.RequestAborted);
            }
        }
    }

    private Task Next(HttpContext context)
    {
        _next.Release();
        return context.Response.WriteAsync("\n");
    }

    /// <summary>
    /// The body, each piece as it comes, and in the trailers (HTTP/2 alone has them here) how long it was. To gRPC it is a call that repeats its messages;
    /// <c>/grpc/late</c> says nothing but that the deadline it was told has passed.
    /// </summary>
    private static async Task RepeatAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        response.ContentType = request.ContentType;
        if (request.RouteValues["call"] is "late")
        {
            response.Headers["grpc-status"] = "4";
            response.Headers["grpc-message"] = "deadline of " + request.Headers["grpc-timeout"];
            return;
        }
        await response.StartAsync();
        var (buffer, length, read) = (new byte[4096], 0L, 0);
        while ((read = await request.Body.ReadAsync(buffer, context.RequestAborted)) > 0)
        {
            length += read;
            await response.Body.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
            await response.Body.FlushAsync(context.RequestAborted);
        }
        if (response.SupportsTrailers())
        {
            response.AppendTrailer("X-Length", $"{length}");
        }
        if (request.ContentType == "application/grpc")
        {
            response.AppendTrailer("grpc-status", "0");
        }
    }
}
