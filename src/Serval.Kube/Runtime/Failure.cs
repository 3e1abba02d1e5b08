using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Serval.Api;

namespace Serval.Kube;

/// <summary>How loud a failed run is told.</summary>
public static class Failure
{
    /// <summary>
    /// Warning for what the world does to a run: the API's refusals, files, sockets, time. Error for anything else, which is a defect and is
    /// worth its stack.
    /// </summary>
    public static LogLevel LevelOf(Exception e) => e is ApiException or OwnerConflictException or ImageNotFoundException or IOException or UnauthorizedAccessException
        or SocketException or HttpRequestException or TimeoutException or OperationCanceledException
            ? LogLevel.Warning
            : LogLevel.Error;
}
