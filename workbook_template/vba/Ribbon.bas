Attribute VB_Name = "Ribbon"
' The callbacks of ribbon.xml, and what follows from the workbook's events.
'
' Each ends in an error handler: an error that is not handled would make Excel forget the ribbon. What Excel asks for
' to draw the tab (Get_...) is answered from what is known here, at once.
Option Explicit

Private Const TITLE As String = "Network Stats"
' How long an answer is waited for, in seconds.
Private Const QUICK As Double = 0.3
Private Const PATIENT As Double = 20
Private Const LONG_WORK As Double = 300
Private Const START_CHECKS As Long = 15
Private Const END_CHECKS As Long = 30
' Has a collector draw an identity for this workbook.
Private Const NO_ID As String = "00000000000000000000000000000000"
' How the collector says that updates are paused, and that it holds back a table most of whose rows are gone.
Private Const UPDATES_PAUSED As String = "(updates paused)"
Private Const HELD_BACK As String = "Nothing was changed"

Private ribbonUi As IRibbonUI
Private isRunning As Boolean
Private isPaused As Boolean
Private stateText As String
Private answerText As String
Private tableName As String
Private startChecksLeft As Long
Private endChecksLeft As Long
Private nextCheckAt As Date

' --- What Excel asks for to draw the tab ---

Public Sub Ribbon_Load(ribbon As IRibbonUI)
    On Error GoTo Failed
    Set ribbonUi = ribbon
    ReadState
    Exit Sub
Failed:
    Note Err.Description
End Sub

Public Sub Get_Running(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = isRunning
End Sub

Public Sub Get_DestinationRows(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = isRunning And (tableName = DESTINATIONS Or tableName = OVERVIEW)
End Sub

Public Sub Get_JobRows(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = isRunning And tableName = JOBS
End Sub

Public Sub Get_AnyRows(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = isRunning And (tableName = DESTINATIONS Or tableName = OVERVIEW Or tableName = JOBS)
End Sub

Public Sub Get_Paused(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = isPaused
End Sub

Public Sub Get_State(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = Shortened(stateText)
End Sub

Public Sub Get_StateInFull(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = IIf(isRunning Or startChecksLeft + endChecksLeft > 0, stateText, NOT_RUNNING)
End Sub

Public Sub Get_Answer(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = Shortened(answerText)
End Sub

Public Sub Get_AnswerInFull(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = IIf(answerText = "", "Nothing was asked yet.", answerText)
End Sub

Public Sub Get_PeriodLabel(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = "Period"
    returnedVal = "Period: " & Period()
End Sub

Public Sub Get_PeriodIndex(control As IRibbonControl, ByRef returnedVal)
    On Error Resume Next
    returnedVal = 4
    returnedVal = PeriodIndex(Period())
End Sub

' --- Collector ---

Public Sub Collector_Start(control As IRibbonControl)
    On Error GoTo Failed
    CheckNoMore
    StartOrWait END_CHECKS
    Exit Sub
Failed:
    ComplainOfStart Err.Description
End Sub

Public Sub Collector_Stop(control As IRibbonControl)
    On Error GoTo Failed
    If Ask(WorkbookId(), "POST", "/v1/shutdown", "{}", PATIENT) Then
        ' It still saves what it has, and is not to be asked any more.
        LostToken = ValueOf(Endpoint(WorkbookId()), "token")
        Note LastText
    Else
        Complain LastText
    End If
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Collector_Pause(control As IRibbonControl, pressed As Boolean)
    On Error GoTo Failed
    Order "POST", "/v1/updates", "{""paused"":" & IIf(pressed, "true", "false") & "}", PATIENT
    Exit Sub
Failed:
    Complain Err.Description
End Sub

' --- Destinations ---

Public Sub Destinations_Add(control As IRibbonControl)
    Dim hosts As String
    On Error GoTo Failed
    hosts = InputBox("Hosts to add: names, addresses, blocks such as 10.0.0.0/28, or ranges such as 10.0.0.1-20, separated by commas or spaces.", TITLE)
    If Trim$(hosts) = "" Then Exit Sub
    Order "POST", "/v1/destinations/add", "{""hosts"":" & JsonText(hosts) & "}", PATIENT
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Destinations_Validate(control As IRibbonControl)
    On Error GoTo Failed
    If Not Order("POST", "/v1/sync", "{}", PATIENT) Then Exit Sub
    If Left$(answerText, Len(HELD_BACK)) <> HELD_BACK Then Exit Sub
    If MsgBox(answerText & vbCrLf & vbCrLf & "Should it be put in force as it is?", vbYesNo + vbQuestion, TITLE) = vbYes Then
        Order "POST", "/v1/sync", "{""confirmed"":true}", PATIENT
    End If
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Destinations_Test(control As IRibbonControl)
    On Error GoTo Failed
    OrderForRows "/v1/destinations/test", "destinations"
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Destinations_Trace(control As IRibbonControl)
    Dim table As ListObject
    On Error GoTo Failed
    If Not OrderForRows("/v1/destinations/trace", "destinations") Then Exit Sub
    ' While updates are paused, the sheets stay as they are.
    Ask WorkbookId(), "POST", "/v1/refresh", "{}", PATIENT
    Set table = TableNamed(ROUTES_TABLE)
    ' A workbook of an older version lacks it.
    If Not table Is Nothing Then table.Range.Worksheet.Activate
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Destinations_Expand(control As IRibbonControl)
    Dim rows As String
    On Error GoTo Failed
    rows = "[]"
    If SelectedTable() = DESTINATIONS Then rows = SelectedKeys()
    Order "POST", "/v1/destinations/expand", IIf(rows = "[]", "{}", "{""ids"":" & rows & "}"), PATIENT
    Exit Sub
Failed:
    Complain Err.Description
End Sub

' --- Jobs ---

Public Sub Jobs_Start(control As IRibbonControl)
    On Error GoTo Failed
    OrderForRows "/v1/jobs/start", "jobs"
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Jobs_Stop(control As IRibbonControl)
    On Error GoTo Failed
    OrderForRows "/v1/jobs/stop", "jobs"
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Jobs_Run(control As IRibbonControl)
    On Error GoTo Failed
    OrderForRows "/v1/jobs/run", "jobs"
    Exit Sub
Failed:
    Complain Err.Description
End Sub

' --- Data ---

Public Sub Data_Refresh(control As IRibbonControl)
    On Error GoTo Failed
    Order "POST", "/v1/refresh", "{}", PATIENT
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Data_Period(control As IRibbonControl, selectedId As String, selectedIndex As Integer)
    Dim wanted As String
    On Error GoTo Failed
    Select Case selectedId
        Case "Period1h"
            wanted = "1h"
        Case "Period24h"
            wanted = "24h"
        Case "Period7d"
            wanted = "7d"
        Case "Period30d"
            wanted = "30d"
        Case Else
            wanted = Trim$(InputBox("How far back should the sheets reach? For example 90m, 12h or 14d.", TITLE, Period()))
    End Select
    If wanted <> "" Then Order "PUT", "/v1/selection", "{""period"":" & JsonText(wanted) & "}", PATIENT
    LookAround
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Data_Details(control As IRibbonControl)
    Dim wanted As String
    On Error GoTo Failed
    wanted = SelectedName()
    If wanted = "" Then
        Complain "Select a row of the tables Destinations or Jobs, or of the Dashboard."
        Exit Sub
    End If
    If Order("PUT", "/v1/selection", "{""details_of"":" & JsonText(wanted) & "}", PATIENT) Then
        TableNamed(SELECTION_TABLE).Range.Worksheet.Activate
    End If
    Exit Sub
Failed:
    Complain Err.Description
End Sub

' --- Report ---

Public Sub Report_Save(control As IRibbonControl)
    On Error GoTo Failed
    SaveFile "/v1/report", ".xlsx", "Excel workbook without macros (*.xlsx),*.xlsx", "Save report"
    Exit Sub
Failed:
    Complain Err.Description
End Sub

Public Sub Report_Export(control As IRibbonControl)
    On Error GoTo Failed
    SaveFile "/v1/export", ".csv", "Text, separated by commas (*.csv),*.csv", "Export CSV"
    Exit Sub
Failed:
    Complain Err.Description
End Sub

' --- Help ---

Public Sub Help_Log(control As IRibbonControl)
    Dim file As String
    On Error GoTo Failed
    file = DataFolder() & "\logs\" & WorkbookId() & ".log"
    ' What a collector said that never came so far as to have a log.
    If Not FileExists(file) Then file = DataFolder() & "\logs\" & WorkbookId() & ".start.txt"
    If FileExists(file) Then
        ThisWorkbook.FollowHyperlink file
    Else
        Note "There is no log yet: the collector of this workbook never ran on this computer."
    End If
    Exit Sub
Failed:
    ' A policy may keep Office from starting other programs.
    InputBox "The log cannot be opened from Excel. It is this file:", TITLE, file
End Sub

Public Sub Help_About(control As IRibbonControl)
    Dim facts As String
    On Error GoTo Failed
    If HasCollector(WorkbookId()) Then facts = Endpoint(WorkbookId())
    MsgBox "Network Stats measures latency and loss, and shows them in this workbook." & vbCrLf & vbCrLf & _
        IIf(facts = "", NOT_RUNNING, "Collector " & ValueOf(facts, "version") & ", running since " & ValueOf(facts, "started_at") & ".") & vbCrLf & _
        "Data folder: " & DataFolder() & vbCrLf & "Workbook: " & WorkbookId() & vbCrLf & vbCrLf & _
        "Contains xlwings, copyright Zoomer Analytics LLC (BSD 3-clause), and VBA-Dictionary, copyright Tim Hall (MIT); their notices are in the VBA project.", vbInformation, TITLE
    Exit Sub
Failed:
    Note Err.Description
End Sub

' --- What ThisWorkbook tells ---

Public Sub WorkbookOpened()
    On Error GoTo Failed
    LookAround
    TellEvent "opened"
    If isRunning Then LearnState QUICK
    LookAround
    Exit Sub
Failed:
    Note Err.Description
End Sub

Public Sub WorkbookSaved()
    On Error Resume Next
    TellEvent "saved"
End Sub

Public Sub WorkbookClosing()
    On Error Resume Next
    CheckNoMore
    ' Excel may end at once: the request has to be on its way by then.
    If HasCollector(WorkbookId()) Then Ask WorkbookId(), "POST", "/v1/workbook", "{""event"":""closing""}", QUICK
End Sub

Public Sub SheetChanged(ByVal sheet As Object, ByVal target As Range)
    On Error Resume Next
    If IsTyped(sheet, target) Then TellEvent "changed"
    If Not ribbonUi Is Nothing Then
        If Touches(target, "NetStats_state") Then
            ' It was written by the collector of this workbook, whatever that said before.
            OthersToken = ""
            ReadState
        End If
    End If
End Sub

Public Sub SelectionMoved()
    On Error Resume Next
    If tableName <> SelectedTable() Then LookAround
End Sub

' --- Starting takes some seconds, in which nothing is known ---

Public Sub CheckStart()
    On Error GoTo Failed
    nextCheckAt = 0
    If endChecksLeft > 0 Then
        StartOrWait endChecksLeft - 1
        Exit Sub
    End If
    LookAround
    ' Also where it was another workbook's: it may have learnt that this is the one.
    LearnState QUICK
    LookAround
    If isRunning Then
        startChecksLeft = 0
        Note "The collector is running."
    ElseIf startChecksLeft > 1 Then
        startChecksLeft = startChecksLeft - 1
        CheckLater
    Else
        startChecksLeft = 0
        Complain "The collector was started, and does not answer. Open the log to see why."
    End If
    Exit Sub
Failed:
    ComplainOfStart Err.Description
End Sub

Public Sub LetOthersWork()
    DoEvents
End Sub

' Starts a collector, where there is none; one that is ending is waited for, this many checks long.
Private Sub StartOrWait(ByVal checks As Long)
    endChecksLeft = 0
    If Ask(WorkbookId(), "GET", "/v1/health", "", PATIENT) Then
        If ValueOf(LastText, "state") <> STOPPING Then
            Note "The collector is running already."
        ElseIf checks > 0 Then
            endChecksLeft = checks
            Note "The collector is stopping. It is started again when it has saved what it has."
            CheckLater
        Else
            Complain "The collector is still stopping: it saves what it has. Click Start again later."
        End If
    ElseIf LastText = NOT_ANSWERED_YET Then
        Complain LastText
    ElseIf ThisWorkbook.Path = "" Then
        Complain "Save the workbook first: the collector finds it by its name."
    ElseIf Not FileExists(CStr(GetConfig("INTERPRETER_WIN", ""))) Then
        Complain "Excel does not know where the collector is installed. Run install.ps1, or netstats-xl install, once on this computer."
    Else
        RunPython "import netstats_xl.ribbon; netstats_xl.ribbon.start('" & IdToStartWith() & "', " & CStr(Application.Hwnd) & ", " & PythonText(ThisWorkbook.FullName) & ")"
        startChecksLeft = START_CHECKS
        Note "Starting ..."
        CheckLater
    End If
End Sub

' A copy carries the identity of its original, until its own collector draws one for it.
Private Function IdToStartWith() As String
    IdToStartWith = WorkbookId()
    If OthersToken <> "" And OthersToken = ValueOf(Endpoint(WorkbookId()), "token") Then IdToStartWith = NO_ID
End Function

Private Sub ComplainOfStart(ByVal reason As String)
    Complain "The collector could not be started from Excel (" & reason & "). Choose Network Stats > Start the collector in the Windows Start menu."
End Sub

Private Sub CheckLater()
    nextCheckAt = Now + TimeSerial(0, 0, 2)
    Application.OnTime nextCheckAt, CheckProcedure()
End Sub

Private Sub CheckNoMore()
    On Error Resume Next
    startChecksLeft = 0
    endChecksLeft = 0
    ' A check that is left would open the workbook again.
    If nextCheckAt <> 0 Then Application.OnTime nextCheckAt, CheckProcedure(), , False
    nextCheckAt = 0
End Sub

Private Function CheckProcedure() As String
    CheckProcedure = "'" & Replace(ThisWorkbook.Name, "'", "''") & "'!Ribbon.CheckStart"
End Function

' --- Asking, and showing what came of it ---

' Asks the collector, and shows its answer. True: it did what was asked.
Private Function Order(ByVal verb As String, ByVal path As String, ByVal body As String, ByVal patience As Double) As Boolean
    Dim done As Boolean
    Dim text As String
    done = Ask(WorkbookId(), verb, path, body, patience)
    text = LastText
    If done Then
        LearnState QUICK
        Note text
    Else
        Complain text
    End If
    Order = done
End Function

Private Function OrderForRows(ByVal path As String, ByVal what As String) As Boolean
    Dim rows As String
    rows = SelectedRows()
    If rows = "" Then
        Complain "Select rows of " & what & " that are filled in."
    Else
        OrderForRows = Order("POST", path, "{" & rows & "}", PATIENT)
    End If
End Function

Private Sub SaveFile(ByVal path As String, ByVal extension As String, ByVal kinds As String, ByVal caption As String)
    Dim file As Variant
    file = Application.GetSaveAsFilename("Network Stats " & Format$(Now, "yyyy-mm-dd hhnn") & extension, kinds, 1, caption)
    ' False: nothing was chosen.
    If VarType(file) <> vbString Then Exit Sub
    If FileExists(CStr(file)) Then
        If MsgBox(CStr(file) & " exists. Replace it?", vbYesNo + vbQuestion, TITLE) <> vbYes Then Exit Sub
    End If
    Order "POST", path, "{""output"":" & JsonText(CStr(file)) & ",""from"":" & JsonText("-" & Period()) & ",""to"":""now"",""replace"":true}", LONG_WORK
End Sub

Private Sub TellEvent(ByVal what As String)
    Tell WorkbookId(), "/v1/workbook", "{""event"":""" & what & """}"
End Sub

' Learns what the tab shows from the collector itself.
Private Sub LearnState(ByVal patience As Double)
    Dim facts As String
    If Not Ask(WorkbookId(), "GET", "/v1/health", "", patience) Then Exit Sub
    facts = LastText
    stateText = ValueOf(facts, "message")
    isPaused = ValueOf(facts, "paused") = "1"
End Sub

' The collector wrote its state into its cell.
Private Sub ReadState()
    Dim shown As String
    On Error Resume Next
    LookAround
    shown = NamedText("NetStats_state")
    If isRunning And shown <> "" Then
        stateText = shown
        isPaused = InStr(shown, UPDATES_PAUSED) > 0
        ribbonUi.Invalidate
    End If
End Sub

' Looks at what is known here, and has the tab drawn anew.
Private Sub LookAround()
    On Error Resume Next
    tableName = SelectedTable()
    If HasCollector(WorkbookId()) Then
        If Not isRunning Then stateText = "Running"
        isRunning = True
    Else
        isRunning = False
        isPaused = False
        stateText = IIf(startChecksLeft > 0, "Starting ...", IIf(endChecksLeft > 0, "Stopping ...", "Not running. Click Start."))
    End If
    If Not ribbonUi Is Nothing Then ribbonUi.Invalidate
End Sub

Private Sub Note(ByVal text As String)
    answerText = text
    LookAround
End Sub

Private Sub Complain(ByVal text As String)
    Note text
    MsgBox text, vbExclamation, TITLE
End Sub

Private Function Touches(ByVal target As Range, ByVal cellName As String) As Boolean
    Dim cell As Range
    Set cell = ThisWorkbook.Names(cellName).RefersToRange
    If Not cell.Worksheet Is target.Worksheet Then Exit Function
    Touches = Not Application.Intersect(cell, target) Is Nothing
End Function

Private Function Period() As String
    Period = SelectionCell("Period")
    If Period = "" Then Period = "24h"
End Function

Private Function PeriodIndex(ByVal text As String) As Long
    Select Case LCase$(text)
        Case "1h"
            PeriodIndex = 0
        Case "24h", "1d"
            PeriodIndex = 1
        Case "7d"
            PeriodIndex = 2
        Case "30d"
            PeriodIndex = 3
        Case Else
            PeriodIndex = 4
    End Select
End Function

Private Function Shortened(ByVal text As String) As String
    Shortened = IIf(Len(text) > 60, Left$(text, 57) & "...", text)
End Function

' A text as Python writes it, in characters that neither cmd.exe nor Python takes for anything else.
Private Function PythonText(ByVal text As String) As String
    Dim position As Long
    Dim letter As String
    For position = 1 To Len(text)
        letter = Mid$(text, position, 1)
        If letter Like "[A-Za-z0-9]" Then
            PythonText = PythonText & letter
        Else
            PythonText = PythonText & "\u" & LCase$(Right$("000" & Hex$(AscW(letter)), 4))
        End If
    Next
    PythonText = "'" & PythonText & "'"
End Function
