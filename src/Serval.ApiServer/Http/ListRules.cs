namespace Serval.ApiServer.Http;

/// <summary>
/// Which options of a list or a watch go together (apimachinery meta/internalversion: SetListOptionsDefaults, ValidateListOptions).
/// </summary>
internal static class ListRules
{
    private const string Match = "resourceVersionMatch";
    private const string Initial = "sendInitialEvents";

    public static void CheckList(ApiRequest request)
    {
        CheckNumbers(request);
        var problems = new OptionProblems("ListOptions");
        var match = request.Query(Match);
        if (match.Length > 0)
        {
            if (request.Query("resourceVersion").Length == 0)
            {
                problems.Forbidden(Match, "resourceVersionMatch is forbidden unless resourceVersion is provided");
            }
            CheckContinue(request, problems);
            if (match is not ("Exact" or "NotOlderThan"))
            {
                problems.Unsupported(Match, OptionProblems.Quote(match), "Exact", "NotOlderThan", "");
            }
            if (match == "Exact" && request.Query("resourceVersion") == "0")
            {
                problems.Forbidden(Match, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
            }
        }
        if (request.Has(Initial))
        {
            problems.Forbidden(Initial, "sendInitialEvents is forbidden for list");
        }
        problems.Throw();
    }

    /// <summary>
    /// Whether the watch begins with the present objects. One that says nothing about it does so when it names no version, and is then treated as
    /// if it had asked for it.
    /// </summary>
    public static bool BeginsWithPresent(ApiRequest request)
    {
        CheckNumbers(request);
        var asked = request.Has(Initial);
        var match = request.Query(Match);
        if (!asked && match.Length == 0)
        {
            return request.Query("resourceVersion") is "" or "0";
        }
        var problems = new OptionProblems("ListOptions");
        if (asked && match != "NotOlderThan")
        {
            problems.Forbidden(Match, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        }
        if (match.Length > 0)
        {
            if (!asked)
            {
                problems.Forbidden(Match, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
            }
            if (match != "NotOlderThan")
            {
                problems.Unsupported(Match, OptionProblems.Quote(match), "NotOlderThan");
            }
            CheckContinue(request, problems);
        }
        problems.Throw();
        return request.Flag(Initial);
    }

    /// <summary>Numbers must be some, also where nobody asks for them.</summary>
    private static void CheckNumbers(ApiRequest request)
    {
        _ = request.Number("limit");
        _ = request.Number("timeoutSeconds");
    }

    private static void CheckContinue(ApiRequest request, OptionProblems problems)
    {
        if (request.Query("continue").Length > 0)
        {
            problems.Forbidden(Match, "resourceVersionMatch is forbidden when continue is provided");
        }
    }
}
