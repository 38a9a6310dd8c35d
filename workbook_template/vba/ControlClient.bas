Attribute VB_Name = "ControlClient"
' Talks to the collector of this workbook: HTTP on 127.0.0.1, with the token that it left in a file of the user's.
'
' This module keeps to what VBScript understands too, so that tests can run it without Excel. It shows nothing and
' raises nothing: a function tells whether it worked, and LastText what to say to the user.
Option Explicit

Public Const NOT_RUNNING As String = "The collector is not running. Click Start, or choose Network Stats > Start the collector in the Windows Start menu."
Public Const NO_LONGER_RUNNING As String = "The collector does not answer: it may have ended. Click Start to start it again."
Public Const NOT_ANSWERED_YET As String = "The collector has not answered the last request yet."
Public Const STOPPING As String = "stopping"
Public Const NO_HTTP As String = "This computer's component for HTTP (MSXML 6) cannot be used, so the collector cannot be asked."

Private Const HEALTH_PATH As String = "/v1/health"
Private Const EVENT_PATH As String = "/v1/workbook"
Private Const CONNECT_MS As Long = 500
Private Const COMPLETED As Long = 4
Private Const NO_PROXY As Long = 1
Private Const TIMED_OUT As Long = -2147012894

' The answer to the last request: its status (0: there was none), and one sentence for the user.
Public LastStatus As Long
Public LastText As String
' Token of the collector that could not be reached, or is ending; one that starts later has another.
Public LostToken As String
' Token of a collector that belongs to another workbook of the same identity: this one is a copy, or that one is.
Public OthersToken As String
' True where others cannot work while a request is waited for: then the request waits by itself.
Public WaitsByItself As Boolean

' Token of the collector that said that it belongs to this workbook.
Private ownToken As String
Private isAsking As Boolean
Private told As Object
Private toldBefore As Object

' The folder of the user's data.
Public Function DataFolder() As String
    DataFolder = Expanded("%NETSTATS_XL_DATA%")
    If DataFolder = "" Or DataFolder = "%NETSTATS_XL_DATA%" Then DataFolder = Expanded("%LOCALAPPDATA%") & "\netstats_xl"
End Function

' What the collector tells of itself, as lines key=value; empty where there is none. Never waits.
Public Function Endpoint(ByVal workbookId As String) As String
    Dim files As Object
    Dim path As String
    Endpoint = ""
    If Not IsId(workbookId) Then Exit Function
    On Error Resume Next
    Set files = CreateObject("Scripting.FileSystemObject")
    path = DataFolder() & "\companions\" & workbookId & ".txt"
    If files.FileExists(path) Then Endpoint = files.OpenTextFile(path, 1).ReadAll
    If Err.Number <> 0 Then Endpoint = ""
    Err.Clear
End Function

' Whether there is a collector, and it was found neither gone nor another workbook's since it was started. Never waits.
Public Function HasCollector(ByVal workbookId As String) As Boolean
    Dim token As String
    token = ValueOf(Endpoint(workbookId), "token")
    HasCollector = token <> "" And token <> LostToken And token <> OthersToken
End Function

' Asks the collector, and waits for its answer, at most so many seconds. True: it did what was asked.
'
' A collector is asked first whose it is, if that is not known yet. Only what happens to a workbook is told to any:
' it has a collector look at its own.
Public Function Ask(ByVal workbookId As String, ByVal verb As String, ByVal path As String, ByVal body As String, ByVal patience As Double) As Boolean
    Dim facts As String
    Ask = False
    LastStatus = 0
    If isAsking Then
        LastText = NOT_ANSWERED_YET
        Exit Function
    End If
    LastText = NOT_RUNNING
    facts = Endpoint(workbookId)
    If ValueOf(facts, "token") = "" Then Exit Function
    If path = HEALTH_PATH Then
        Ask = IsOwn(facts, patience)
    ElseIf path = EVENT_PATH Or ValueOf(facts, "token") = ownToken Then
        Ask = Asked(facts, verb, path, body, patience)
    ElseIf IsOwn(facts, patience) Then
        Ask = Asked(facts, verb, path, body, patience)
    End If
End Function

' Tells the collector something, and does not wait for an answer.
Public Sub Tell(ByVal workbookId As String, ByVal path As String, ByVal body As String)
    If Not HasCollector(workbookId) Then Exit Sub
    On Error Resume Next
    ' A request that is let go of may be given up: the last two are kept.
    Set toldBefore = told
    Set told = Prepared(Endpoint(workbookId), "POST", path, 1)
    told.send body
    Err.Clear
End Sub

' A text as JSON.
Public Function JsonText(ByVal text As String) As String
    Dim code As Long
    text = Replace(text, "\", "\\")
    text = Replace(text, """", "\""")
    For code = 0 To 31
        text = Replace(text, Chr(code), "\u00" & Right("0" & Hex(code), 2))
    Next
    JsonText = """" & text & """"
End Function

' The value of a key in lines key=value; empty where there is none.
Public Function ValueOf(ByVal facts As String, ByVal key As String) As String
    Dim fact As Variant
    ValueOf = ""
    For Each fact In Split(Replace(facts, vbCr, ""), vbLf)
        If Left(fact, Len(key) + 1) = key & "=" Then ValueOf = Mid(fact, Len(key) + 2)
    Next
End Function

' Whether two places may be of one file. One that is synchronised is known by its web address or by its path: between
' an address and a path the file's name alone decides. The same as in netstats_xl.app.identity.
Public Function IsSamePlace(ByVal one As String, ByVal other As String) As Boolean
    Dim here As String
    Dim there As String
    here = LCase(Replace(one, "/", "\"))
    there = LCase(Replace(other, "/", "\"))
    If IsAddress(one) <> IsAddress(other) Then
        here = Replace(Mid(here, InStrRev(here, "\") + 1), "%20", " ")
        there = Replace(Mid(there, InStrRev(there, "\") + 1), "%20", " ")
    End If
    IsSamePlace = (here = there)
End Function

' Whether a text is the identity of a workbook: 32 hexadecimal digits.
Public Function IsId(ByVal text As String) As Boolean
    Dim position As Long
    IsId = Len(text) = 32
    For position = 1 To Len(text)
        If InStr("0123456789abcdef", Mid(text, position, 1)) = 0 Then IsId = False
    Next
End Function

Private Function IsAddress(ByVal place As String) As Boolean
    IsAddress = InStr(place, "://") > 0
End Function

' Asks the collector how it is. True: it answered, and belongs to this workbook.
Private Function IsOwn(ByVal facts As String, ByVal patience As Double) As Boolean
    IsOwn = False
    If Not Asked(facts, "GET", HEALTH_PATH, "", patience) Then Exit Function
    If WorkbookPlace() <> "" And Not IsSamePlace(ValueOf(LastText, "workbook"), WorkbookPlace()) Then
        OthersToken = ValueOf(facts, "token")
        LastStatus = 0
        LastText = NOT_RUNNING
        Exit Function
    End If
    OthersToken = ""
    ownToken = ValueOf(facts, "token")
    IsOwn = True
End Function

' Asks this collector. True: it did what was asked.
Private Function Asked(ByVal facts As String, ByVal verb As String, ByVal path As String, ByVal body As String, ByVal patience As Double) As Boolean
    Dim request As Object
    Asked = False
    LastText = NO_HTTP
    Set request = Prepared(facts, verb, path, patience)
    If request Is Nothing Then Exit Function
    isAsking = True
    Exchange request, body, patience
    isAsking = False
    LostToken = ""
    If LastText = NO_LONGER_RUNNING Or ValueOf(LastText, "state") = STOPPING Then LostToken = ValueOf(facts, "token")
    Asked = LastStatus >= 200 And LastStatus < 300
End Function

' A text with the values of environment variables.
Private Function Expanded(ByVal text As String) As String
    Dim host As Object
    Expanded = ""
    On Error Resume Next
    ' Not Environ: it loses the characters that the system's code page lacks.
    Set host = CreateObject("WScript.Shell")
    ' Wine leaves a null character at the end.
    Expanded = Replace(host.ExpandEnvironmentStrings(text), Chr(0), "")
    Err.Clear
End Function

' A request that is ready to be sent; Nothing where there cannot be one.
Private Function Prepared(ByVal facts As String, ByVal verb As String, ByVal path As String, ByVal patience As Double) As Object
    Dim request As Object
    Set Prepared = Nothing
    ' The token is for this computer alone.
    If Left(ValueOf(facts, "url"), 17) <> "http://127.0.0.1:" Then Exit Function
    On Error Resume Next
    Set request = CreateObject("MSXML2.ServerXMLHTTP.6.0")
    request.setTimeouts CONNECT_MS, CONNECT_MS, CONNECT_MS, CLng(patience * 1000)
    request.setProxy NO_PROXY
    Err.Clear
    request.open verb, ValueOf(facts, "url") & path, Not WaitsByItself
    request.setRequestHeader "Authorization", "Bearer " & ValueOf(facts, "token")
    request.setRequestHeader "Accept", "text/plain"
    request.setRequestHeader "Content-Type", "application/json"
    If Err.Number = 0 Then Set Prepared = request
    Err.Clear
End Function

' Sends the request; LastStatus and LastText are what came of it.
Private Sub Exchange(ByVal request As Object, ByVal body As String, ByVal patience As Double)
    Dim cameInTime As Boolean
    On Error Resume Next
    request.send body
    cameInTime = Err.Number <> TIMED_OUT
    If Err.Number = 0 And Not WaitsByItself Then cameInTime = WaitFor(request, patience)
    If Err.Number = 0 And cameInTime Then LastStatus = request.status
    If Err.Number = TIMED_OUT Then cameInTime = False
    If Not cameInTime Then
        LastText = "The collector has not answered within " & CStr(patience) & " seconds. It may still be at work: see the log."
    ElseIf Err.Number <> 0 Or LastStatus = 0 Then
        LastStatus = 0
        LastText = NO_LONGER_RUNNING
    Else
        LastText = ""
        LastText = Left(request.responseText, 900)
        If LastText = "" Or Left(LastText, 1) = "<" Or Left(LastText, 1) = "{" Then
            LastText = "The collector answered with the status " & CStr(LastStatus) & "."
        End If
    End If
    Err.Clear
End Sub

' Waits for the answer while others work: the collector may have to reach Excel before it can give it.
Private Function WaitFor(ByVal request As Object, ByVal patience As Double) As Boolean
    Dim startedAt As Double
    startedAt = Timer
    Do While request.readyState <> COMPLETED
        If SecondsSince(startedAt) > patience Then
            request.abort
            Exit Function
        End If
        LetOthersWork
    Loop
    WaitFor = True
End Function

Private Function SecondsSince(ByVal startedAt As Double) As Double
    Dim seconds As Double
    seconds = Timer - startedAt
    ' Timer begins anew at midnight.
    If seconds < 0 Then seconds = seconds + 86400
    SecondsSince = seconds
End Function
